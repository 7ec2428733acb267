// Reading jobs: a table of fields, three kinds of files, one range notation.
#include "viz/batch/job_list.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "kernels/error.h"
#include "nets/nearest.h"
#include "weights/file.h"
#include "weights/sha256.h"

namespace limpid {

namespace {

using nlohmann::json;
using nlohmann::ordered_json;

struct JobText {
    std::string objective, name;
    RenderOptions options;
};

// What a job may say, and how it is understood. Values of CSV files arrive as text, those of JSON lines as they are.
struct JobField {
    const char* name;
    void (*set)(JobText&, const json&);
};

template <class T>
T number(const json& value) {
    if (value.is_number()) return value.get<T>();
    T result{};
    if (value.is_string()) {
        const std::string& text = value.get_ref<const std::string&>();
        const auto parsed = std::from_chars(text.data(), text.data() + text.size(), result);
        if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && !text.empty()) return result;
    }
    throw UsageError(concat("\"", value.is_string() ? value.get<std::string>() : value.dump(), "\" is not a number"));
}

std::string text_of(const json& value) {
    if (!value.is_string()) throw UsageError(concat(value.dump(), " is not text"));
    return value.get<std::string>();
}

int64_t number_between(const json& value, int64_t low, int64_t high) {
    const int64_t result = number<int64_t>(value);
    if (result < low || result > high) throw UsageError(concat(result, " is outside ", low, "..", high));
    return result;
}

constexpr int64_t kMostSize = 16384, kMostSteps = 10'000'000;

const JobField kFields[] = {
    {"objective", [](JobText& job, const json& value) { job.objective = text_of(value); }},
    {"name", [](JobText& job, const json& value) { job.name = text_of(value); }},
    {"size",
     [](JobText& job, const json& value) {
         job.options.param.height = job.options.param.width = number_between(value, 1, kMostSize);
     }},
    {"steps", [](JobText& job, const json& value) { job.options.steps = number_between(value, 0, kMostSteps); }},
    {"seed", [](JobText& job, const json& value) { job.options.seed = number<uint64_t>(value); }},
    {"job", [](JobText& job, const json& value) { job.options.first_job = number<uint32_t>(value); }},
    {"learning_rate", [](JobText& job, const json& value) { job.options.adam.rate = number<double>(value); }},
    {"optimiser", [](JobText& job, const json& value) { job.options.optimiser = parse_optimiser(text_of(value)); }},
    {"transforms", [](JobText& job, const json& value) { job.options.transforms = parse_transforms(text_of(value)); }},
    {"param",
     [](JobText& job, const json& value) {
         ImageParam param = parse_param(text_of(value));
         param.height = job.options.param.height;
         param.width = job.options.param.width;
         job.options.param = param;
     }},
    {"batch", [](JobText& job, const json& value) { job.options.batch = number_between(value, 1, 4096); }},
};

void set_field(JobText& job, const std::string& name, const json& value) {
    std::vector<std::string> known;
    for (const JobField& field : kFields) {
        if (name == field.name) return with_context(name, [&] { field.set(job, value); });
        known.push_back(field.name);
    }
    throw UsageError(concat("field \"", name, "\" is not known; nearest: ", nearest_names(name, known)));
}

std::string trimmed(std::string_view text) {
    const size_t first = text.find_first_not_of(" \t\r"), last = text.find_last_not_of(" \t\r");
    return first == std::string_view::npos ? "" : std::string(text.substr(first, last - first + 1));
}

// "mixed4a:3-5,9" -> layer and channels; nothing when the text is no range.
struct Range {
    std::string layer;
    std::vector<int64_t> channels;
};
std::optional<Range> parse_range(const std::string& text, const Net& net) {
    const size_t colon = text.find(':');
    if (colon == std::string::npos || colon == 0 || text.starts_with("class:")) return std::nullopt;
    Range range{text.substr(0, colon), {}};
    const std::string list = text.substr(colon + 1);
    if (list.find_first_not_of("0123456789,-*") != std::string::npos || list.empty()) return std::nullopt;
    if (list == "*") {
        for (int64_t channel = 0; channel < channels_of(net, range.layer); channel++) range.channels.push_back(channel);
        return range;
    }
    const auto whole = [&](std::string_view digits) {
        int64_t value = 0;
        const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size())
            throw UsageError(concat("\"", text, "\": \"", std::string(digits),
                                    "\" is not a channel; expected a list like 0-63,70 or *"));
        return value;
    };
    const int64_t most = channels_of(net, range.layer) - 1;
    for (size_t begin = 0; begin <= list.size();) {
        const size_t end = std::min(list.find(',', begin), list.size());
        const std::string_view part = std::string_view(list).substr(begin, end - begin);
        const size_t dash = part.find('-');
        const int64_t first = whole(part.substr(0, dash)),
                      last = dash == std::string_view::npos ? first : whole(part.substr(dash + 1));
        if (last < first || last > most)
            throw UsageError(concat("\"", text, "\": ", std::string(part), " is not within the channels 0..", most,
                                    " of ", range.layer));
        for (int64_t channel = first; channel <= last; channel++) range.channels.push_back(channel);
        begin = end + 1;
    }
    return range;
}

// A file name made of an objective: what is no letter, digit or sign of its own becomes '-'.
std::string file_stem(const std::string& text) {
    std::string stem;
    for (const char c : text) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (plain)
            stem += c;
        else if (!stem.empty() && stem.back() != '-')
            stem += '-';
    }
    while (!stem.empty() && stem.back() == '-') stem.pop_back();
    return stem;
}

bool is_file_name(const std::string& name) {
    return !name.empty() && name.size() <= 200 && name.front() != '.' && name.find('/') == std::string::npos &&
           std::none_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; });
}

class Reader {
  public:
    Reader(const RenderOptions& defaults, const Net& net) : defaults_(defaults), net_(net) {}

    // Does what `take` does; what it throws becomes an error of the place.
    template <class Take>
    void at(const std::string& place, Take&& take) {
        try {
            take();
        } catch (const std::exception& error) {
            list_.errors.push_back(concat(place, ": ", error.what()));
        }
    }

    void take(const JobText& text) {
        if (text.objective.empty()) throw UsageError("the job has no objective");
        if (text.objective == "all") {
            for (const std::string& layer : trunk_layers(net_)) take_range(text, *parse_range(layer + ":*", net_));
            return;
        }
        if (const std::optional<Range> range = parse_range(text.objective, net_)) return take_range(text, *range);
        const std::string name = text.name.empty() ? file_stem(text.objective).substr(0, 100) : text.name;
        add(name, text.name.empty(), parse_objective(text.objective), text.options);
    }

    void read_lines(const std::string& path, std::string_view content,
                    const std::function<void(const std::string&)>& take_line) {
        int64_t number = 0;
        for (size_t begin = 0; begin < content.size();) {
            const size_t end = std::min(content.find('\n', begin), content.size());
            const std::string line = trimmed(content.substr(begin, end - begin));
            begin = end + 1;
            number++;
            if (!line.empty()) at(concat(path, ":", number), [&] { take_line(line); });
        }
    }

    JobText blank() const { return {"", "", defaults_}; }
    JobList finish() && { return std::move(list_); }

  private:
    void take_range(const JobText& text, const Range& range) {
        if (!text.name.empty() && range.channels.size() > 1)
            throw UsageError(
                concat("the name \"", text.name, "\" cannot be that of ", range.channels.size(), " pictures"));
        for (const int64_t channel : range.channels) {
            std::string digits = std::to_string(channel);
            digits.insert(0, size_t(std::max<int64_t>(0, 4 - int64_t(digits.size()))), '0');
            const bool named = !text.name.empty();
            add(named ? text.name : concat(range.layer, "-", digits), !named,
                parse_objective(concat(range.layer, ":", channel)), text.options);
        }
    }

    void add(std::string name, bool made_up, Objective objective, const RenderOptions& options) {
        if (!is_file_name(name)) throw UsageError(concat("\"", name, "\" is not a name for a file"));
        Job job{name, std::move(objective), options};
        const std::string id = identity(job, net_);
        if (!identities_.insert(id).second) throw UsageError(concat("the job ", name, " is there already"));
        // The same objective with other settings: told apart by what they are, not by where they stand in the list.
        Job plain = job;
        plain.options = defaults_;
        if (made_up && identity(plain, net_) != id) job.name += "-" + id.substr(0, 8);
        if (!names_.insert(job.name).second)
            throw UsageError(concat("the name ", job.name, " belongs to another job already"));
        list_.jobs.push_back(std::move(job));
    }

    const RenderOptions& defaults_;
    const Net& net_;
    JobList list_;
    std::set<std::string> names_, identities_;
};

// The cells of a row: separated by commas; one that has commas or quotes is quoted, its quotes doubled (RFC 4180).
std::vector<std::string> csv_cells(const std::string& line) {
    std::vector<std::string> cells(1);
    bool quoted = false;
    for (size_t i = 0; i < line.size(); i++) {
        if (quoted && line[i] == '"' && i + 1 < line.size() && line[i + 1] == '"')
            cells.back() += line[i++];
        else if (line[i] == '"')
            quoted = !quoted;
        else if (line[i] == ',' && !quoted)
            cells.emplace_back();
        else
            cells.back() += line[i];
    }
    if (quoted) throw UsageError("a quote is not closed");
    for (std::string& cell : cells) cell = trimmed(cell);
    return cells;
}

void read_file_of_jobs(const std::string& path, Reader& reader) {
    const std::vector<std::byte> bytes = read_file(path);
    const std::string_view content(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (path.ends_with(".jsonl") || path.ends_with(".ndjson")) {
        reader.read_lines(path, content, [&](const std::string& line) {
            const json record = json::parse(line, nullptr, false);
            if (!record.is_object())
                throw UsageError("not a JSON object; expected one like {\"objective\": \"mixed4a:476\"}");
            JobText job = reader.blank();
            for (const auto& [name, value] : record.items()) set_field(job, name, value);
            reader.take(job);
        });
    } else if (path.ends_with(".csv")) {
        std::vector<std::string> header;
        reader.read_lines(path, content, [&](const std::string& line) {
            const std::vector<std::string> cells = csv_cells(line);
            if (header.empty()) {
                header = cells;
                return;
            }
            if (cells.size() != header.size())
                throw UsageError(concat(cells.size(), " cells, but the header names ", header.size()));
            JobText job = reader.blank();
            for (size_t i = 0; i < cells.size(); i++)
                if (!cells[i].empty()) set_field(job, header[i], cells[i]);
            reader.take(job);
        });
    } else {
        reader.read_lines(path, content, [&](const std::string& line) {
            JobText job = reader.blank();
            job.objective = trimmed(line.substr(0, line.find('#')));
            if (!job.objective.empty()) reader.take(job);
        });
    }
}

}  // namespace

int64_t channels_of(const Net& net, const std::string& name) {
    Graph graph;
    const Layers layers = apply(net, graph, graph.input("image", {1, net.image_size, net.image_size, 3}));
    return graph.shape(layer(net, layers, name)).c;
}

std::vector<std::string> trunk_layers(const Net& net) {
    using Kind = LayerSpec::Kind;
    std::set<std::string> needed{net.logits};
    std::vector<std::string> blocks, result;
    for (auto spec = net.layers.rbegin(); spec != net.layers.rend(); ++spec) {
        if (!needed.contains(spec->name) && !net.logits.empty()) continue;
        needed.insert(spec->inputs.begin(), spec->inputs.end());
        if (spec->kind == Kind::concat) blocks.push_back(spec->name + "_");
        const bool branch = std::any_of(blocks.begin(), blocks.end(),
                                        [&](const std::string& block) { return spec->name.starts_with(block); });
        if (spec->kind == Kind::concat || (spec->kind == Kind::conv && !branch)) result.push_back(spec->name);
    }
    std::reverse(result.begin(), result.end());
    return result;
}

JobList read_jobs(const std::vector<std::string>& sources, const RenderOptions& defaults, const Net& net) {
    Reader reader(defaults, net);
    for (const std::string& source : sources) {
        std::error_code error;
        const bool looks_like_file = source.ends_with(".jsonl") || source.ends_with(".ndjson") ||
                                     source.ends_with(".csv") || source.ends_with(".txt") ||
                                     source.find('/') != std::string::npos;
        if (looks_like_file || std::filesystem::is_regular_file(source, error)) {
            read_file_of_jobs(source, reader);
            continue;
        }
        reader.at(source, [&] {
            JobText job = reader.blank();
            job.objective = source;
            reader.take(job);
        });
    }
    return std::move(reader).finish();
}

std::string description(const Job& job, const Net& net) {
    const RenderOptions& o = job.options;
    ordered_json record{{"objective", to_string(job.objective)},
                        {"height", o.param.height},
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
    if (o.optimiser) record["optimiser"] = to_string(o.optimiser);
    return record.dump();
}

std::string identity(const Job& job, const Net& net) { return sha256_of(as_bytes(description(job, net))); }

}  // namespace limpid
