// Reading jobs: three kinds of files, names, identities.
#include "viz/batch/job_list.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>

#include "kernels/error.h"
#include "nets/trimmed.h"
#include "viz/batch/channel_range.h"
#include "viz/batch/csv.h"
#include "viz/batch/job_fields.h"
#include "viz/json_text.h"
#include "weights/file.h"
#include "weights/sha256.h"

namespace limpid {

namespace {

using nlohmann::ordered_json;

constexpr size_t kLongestStem = 100;  // of a made-up name, without its checksum

bool is_letter_or_digit(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// What is no letter or digit becomes '-'.
std::string file_stem(const std::string& text) {
    std::string stem;
    for (const char c : text)
        if (is_letter_or_digit(c))
            stem += c;
        else if (!stem.empty() && stem.back() != '-')
            stem += '-';
    while (!stem.empty() && stem.back() == '-') stem.pop_back();
    return stem;
}

// What a job without a name is called, settings aside. `certain`: no other objective is called the same.
struct MadeUpName {
    std::string stem;
    bool certain = false;
};
MadeUpName made_up_name(const std::string& objective) {
    const size_t colon = objective.find(':');
    if (colon != std::string::npos && objective.size() <= kLongestStem) {
        const std::string front = objective.substr(0, colon), back = objective.substr(colon + 1);
        const bool plain = std::ranges::all_of(front, [](char c) { return is_letter_or_digit(c) || c == '/'; });
        if (plain && front != "class" && back.find_first_not_of("0123456789") == std::string::npos)
            return {unit_name(front, std::stoll(back)), true};
        if (front == "class" && back.find("  ") == std::string::npos &&
            std::ranges::all_of(back, [](char c) { return is_letter_or_digit(c) || c == ' '; }))
            return {file_stem(objective), true};
    }
    return {file_stem(objective).substr(0, kLongestStem), false};
}

bool is_file_name(const std::string& name) {
    return !name.empty() && name.size() <= 200 && name.front() != '.' && name.find('/') == std::string::npos &&
           std::none_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; });
}

// The channels of every layer, from one graph.
class ChannelCounts {
  public:
    explicit ChannelCounts(const Net& net)
        : net_(net), layers_(apply(net, graph_, graph_.input("image", net.image()))) {}
    int64_t of(const std::string& name) const { return graph_.shape(layer(net_, layers_, name)).c; }

  private:
    const Net& net_;
    Graph graph_;
    Layers layers_;
};

// Of a description all but the objective.
ordered_json settings_of(const RenderOptions& o, const Net& net) {
    ordered_json settings{{"height", o.param.height},
                          {"width", o.param.width},
                          {"param", to_string(o.param)},
                          {"batch", o.batch},
                          {"transforms", to_string(o.transforms)},
                          {"steps", o.steps},
                          {"seed", o.seed},
                          {"job", o.first_job},
                          {"redirected_relu_updates", o.redirected_relu_updates},
                          {"adam", {o.adam.rate, o.adam.beta1, o.adam.beta2, o.adam.epsilon}},
                          {"weights", net.weights->checksum}};
    if (o.optimiser) settings["optimiser"] = to_string(o.optimiser);
    if (!o.thresholds.empty()) settings["thresholds"] = o.thresholds;
    for (const auto& [name, pictures] : {std::pair("start", &o.start), std::pair("references", &o.references)})
        if (!pictures->values.empty())
            settings[name] = {to_string(pictures->shape), sha256_of(std::as_bytes(std::span(pictures->values)))};
    return settings;
}

std::string describe(const Job& job, const ordered_json& settings, FileDigests& read) {
    ordered_json record{{"objective", to_string(job.objective)}};
    record.update(settings);
    for (const auto& files : {files_of(job.objective), files_of(job.options.param)})
        for (const std::string& file : files) {
            auto found = read.find(file);
            if (found == read.end()) found = read.emplace(file, digest_of_file(file)).first;
            record["files"][file] = found->second;
        }
    return to_json_text(record);
}

class Reader {
  public:
    Reader(const RenderOptions& defaults, const Net& net)
        : defaults_(defaults), default_settings_(settings_of(fitted(defaults, net), net)), net_(net), channels_(net) {}

    // Does what `take` does; what it throws becomes an error of the place, unless that is "".
    template <class Take>
    void at(const std::string& place, Take&& take) {
        try {
            take();
        } catch (const std::exception& error) {
            fail(concat(place, place.empty() ? "" : ": ", error.what()));
        }
    }
    void fail(const std::string& error) { list_.errors.push_back(error); }

    void take(JobText text) {
        text.objective = trimmed(text.objective, kLineBlanks);
        if (text.objective.empty()) throw UsageError("the job has no objective");
        if (text.objective == "all") {
            for (const std::string& layer : trunk_layers(net_)) take_range(text, *range_of(layer + ":*"));
        } else if (const std::optional<ChannelRange> range = range_of(text.objective)) {
            take_range(text, *range);
        } else {
            add(text.name, parse_objective(text.objective), text.options);
        }
    }

    void read_lines(const std::string& path, std::string_view content,
                    const std::function<void(const std::string&)>& take_line) {
        int64_t number = 0;
        for (size_t begin = 0; begin < content.size();) {
            const size_t end = std::min(content.find('\n', begin), content.size());
            const std::string line = trimmed(content.substr(begin, end - begin), kLineBlanks);
            begin = end + 1;
            number++;
            if (!line.empty()) at(concat(path, ":", number), [&] { take_line(line); });
        }
    }

    JobText blank() const { return {"", "", defaults_}; }
    JobList finish() && { return std::move(list_); }

  private:
    std::optional<ChannelRange> range_of(const std::string& text) const {
        return parse_channel_range(text, [this](const std::string& layer) { return channels_.of(layer); });
    }

    void take_range(const JobText& text, const ChannelRange& range) {
        if (!text.name.empty() && range.channels.size() > 1)
            throw UsageError(
                concat("the name \"", text.name, "\" cannot be that of ", range.channels.size(), " pictures"));
        for (const int64_t channel : range.channels)
            add(text.name, parse_objective(concat(range.layer, ":", channel)), text.options);
    }

    void add(const std::string& given_name, Objective objective, const RenderOptions& given) {
        const RenderOptions options = fitted(given, net_);
        Job job{given_name, std::move(objective), options};
        const ordered_json settings = settings_of(options, net_);
        const std::string id = identity_of(describe(job, settings, read_));
        if (given_name.empty()) {
            const std::string text = to_string(job.objective);
            const MadeUpName made_up = made_up_name(text);
            job.name = made_up.stem;
            // Told apart by what they are, not by where they stand in the list.
            if (settings != default_settings_)
                job.name += "-" + id.substr(0, 8);
            else if (!made_up.certain)
                job.name += "-" + sha256_of(as_bytes(text)).substr(0, 8);
        }
        if (!is_file_name(job.name))
            throw UsageError(concat("\"", job.name,
                                    "\" is not a name for a file; expected 1 to 200 bytes, no dot in front, "
                                    "no slash and no control character"));
        if (!identities_.insert(id).second) throw UsageError(concat("the job ", job.name, " is there already"));
        if (!names_.insert(job.name).second)
            throw UsageError(concat("the name ", job.name, " belongs to another job already"));
        list_.jobs.push_back(std::move(job));
    }

    const RenderOptions& defaults_;
    const ordered_json default_settings_;
    const Net& net_;
    const ChannelCounts channels_;
    FileDigests read_;
    JobList list_;
    std::set<std::string> names_, identities_;
};

void read_json_lines(const std::string& path, std::string_view content, Reader& reader) {
    reader.read_lines(path, content, [&](const std::string& line) {
        std::string twice;
        const ordered_json record = from_json_text(line, &twice);
        if (!record.is_object())
            throw UsageError("not a JSON object; expected one like {\"objective\": \"mixed4a:476\"}");
        if (!twice.empty()) throw UsageError(concat("the field ", twice, " is there twice"));
        JobText job = reader.blank();
        for (const auto& [name, value] : record.items()) set_field(job, name, value);
        reader.take(std::move(job));
    });
}

// A column without a name may have no cells.
void check_header(const std::vector<std::string>& header) {
    std::set<std::string> seen;
    for (const std::string& name : header) {
        if (name.empty()) continue;
        check_field(name);
        if (!seen.insert(name).second) throw UsageError(concat("the field ", name, " is there twice"));
    }
    if (!seen.contains("objective")) throw UsageError("there is no field objective");
}

void read_csv(const std::string& path, std::string_view content, Reader& reader) {
    CsvReader rows(content);
    std::optional<CsvRow> row = rows.next();
    if (!row) return;
    bool understood = false;
    reader.at(concat(path, ":", row->line), [&] {
        with_context("the header", [&] {
            if (!row->error.empty()) throw UsageError(row->error);
            check_header(row->cells);
        });
        understood = true;
    });
    if (!understood) return;
    const std::vector<std::string> header = row->cells;
    while ((row = rows.next()))
        reader.at(concat(path, ":", row->line), [&] {
            const std::vector<std::string>& cells = row->cells;
            if (!row->error.empty()) throw UsageError(row->error);
            if (cells.size() != header.size())
                throw UsageError(concat(cells.size(), " cells, but the header names ", header.size()));
            JobText job = reader.blank();
            for (size_t i = 0; i < cells.size(); i++)
                if (!cells[i].empty()) set_field(job, header[i], cells[i]);
            reader.take(std::move(job));
        });
}

void read_list(const std::string& path, std::string_view content, Reader& reader) {
    reader.read_lines(path, content, [&](const std::string& line) {
        JobText job = reader.blank();
        job.objective = trimmed(line.substr(0, line.find('#')), kLineBlanks);
        if (!job.objective.empty()) reader.take(std::move(job));
    });
}

constexpr struct {
    const char* ending;
    void (*read)(const std::string& path, std::string_view content, Reader& reader);
} kKindsOfFile[] = {{".jsonl", read_json_lines}, {".ndjson", read_json_lines}, {".csv", read_csv}, {".txt", read_list}};

// False where the source is no file.
bool read_as_file(const std::string& source, Reader& reader) {
    for (const auto& kind : kKindsOfFile) {
        if (!source.ends_with(kind.ending)) continue;
        const std::vector<std::byte> bytes = read_file(source);
        std::string_view content = as_text(bytes);
        if (const size_t nul = content.find('\0'); nul != content.npos)
            throw UsageError(concat(source, ":", 1 + std::count(content.begin(), content.begin() + nul, '\n'),
                                    ": found a NUL character, expected text; save the file as UTF-8"));
        if (content.starts_with("\xEF\xBB\xBF")) content.remove_prefix(3);
        kind.read(source, content, reader);
        return true;
    }
    return false;
}

void take_text(const std::string& source, Reader& reader) {
    try {
        JobText job = reader.blank();
        job.objective = source;
        reader.take(std::move(job));
    } catch (const UsageError& error) {
        std::error_code ignored;
        if (!std::filesystem::is_regular_file(source, ignored)) throw;
        throw UsageError(concat(error.what(), "; files of jobs end in .jsonl, .ndjson, .csv or .txt"));
    }
}

}  // namespace

std::string layer_file_name(std::string layer) {
    std::ranges::replace(layer, '/', '-');
    return layer;
}

std::string unit_name(const std::string& layer, int64_t channel) {
    std::string digits = std::to_string(channel);
    digits.insert(0, size_t(std::max<int64_t>(0, 4 - int64_t(digits.size()))), '0');
    return layer_file_name(layer) + "-" + digits;
}

int64_t channels_of(const Net& net, const std::string& name) { return ChannelCounts(net).of(name); }

JobList read_jobs(const std::vector<std::string>& sources, const RenderOptions& defaults, const Net& net) {
    Reader reader(defaults, net);
    for (const std::string& source : sources) {
        try {
            if (!read_as_file(source, reader)) reader.at("", [&] { take_text(source, reader); });  // errors quote it
        } catch (const Error& error) {
            reader.fail(error.what());  // of the file, which it names
        }
    }
    return std::move(reader).finish();
}

std::string description(const Job& job, const Net& net, FileDigests* read) {
    FileDigests of_this_job;
    return describe(job, settings_of(job.options, net), read ? *read : of_this_job);
}

std::string identity(const Job& job, const Net& net, FileDigests* read) {
    return identity_of(description(job, net, read));
}

std::string identity_of(const std::string& description) { return sha256_of(as_bytes(description)); }

}  // namespace limpid
