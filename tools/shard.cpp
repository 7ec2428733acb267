// Launchers and their variables.
#include "tools/shard.h"

#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "kernels/error.h"

namespace limpid {

namespace {

std::optional<int64_t> whole_number(std::string_view text) {
    int64_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
    return value;
}

// Unset: nothing. Set to something else than a number: an error, since every process would then take all jobs.
std::optional<int64_t> variable(const char* name) {
    const char* text = std::getenv(name);
    if (!text) return std::nullopt;
    const std::optional<int64_t> value = whole_number(text);
    if (!value) throw UsageError(concat(name, " is \"", text, "\", expected a number; say --shard I/N"));
    return value;
}

struct Place {
    int64_t index = 0;             // from 0
    std::optional<int64_t> count;  // some launchers do not tell
    std::string name;
};

std::optional<Place> slurm_array() {
    const auto id = variable("SLURM_ARRAY_TASK_ID");
    if (!id) return std::nullopt;
    const int64_t first = variable("SLURM_ARRAY_TASK_MIN").value_or(0),
                  last = variable("SLURM_ARRAY_TASK_MAX").value_or(*id),
                  step = variable("SLURM_ARRAY_TASK_STEP").value_or(1);
    // An array with holes ("0-7,9") counts fewer tasks than its ends say: its shares would not cover the jobs.
    const int64_t count = step > 0 ? (last - first) / step + 1 : 0;
    if (step < 1 || *id < first || *id > last || (*id - first) % step != 0 ||
        variable("SLURM_ARRAY_TASK_COUNT").value_or(count) != count)
        throw UsageError("the tasks of the Slurm array are not evenly spaced; use --array=0-N, or say --shard I/N");
    return Place{(*id - first) / step, count, "Slurm array"};
}

struct Variables {
    const char *index, *count, *name;
};

std::optional<Place> place_of(const Variables& launcher) {
    const auto index = variable(launcher.index), count = variable(launcher.count);
    if (index && count && *count > 1) return Place{*index, *count, launcher.name};
    return std::nullopt;
}

// One of several processes that were started together.
std::optional<Place> rank() {
    constexpr Variables kLaunchers[] = {{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "Open MPI"},
                                        {"SLURM_PROCID", "SLURM_NTASKS", "Slurm"},
                                        {"PMI_RANK", "PMI_SIZE", "MPI"}};
    for (const Variables& launcher : kLaunchers)
        if (const std::optional<Place> place = place_of(launcher)) return place;
    return std::nullopt;
}

std::optional<Place> launcher() {
    const std::optional<Place> array = slurm_array(), process = rank();
    if (array && process)
        return Place{array->index * *process->count + process->index, *array->count * *process->count,
                     concat(array->name, " of ", process->name)};
    if (array) return array;
    if (process) return process;
    if (const auto index = variable("JOB_COMPLETION_INDEX")) return Place{*index, std::nullopt, "Kubernetes"};
    return std::nullopt;
}

}  // namespace

std::optional<LocalProcess> find_local_process() {
    constexpr Variables kLaunchers[] = {{"OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_SIZE", "Open MPI"},
                                        {"SLURM_LOCALID", "SLURM_NTASKS", "Slurm"},
                                        {"MPI_LOCALRANKID", "PMI_SIZE", "MPI"}};
    for (const Variables& launcher : kLaunchers)
        if (const std::optional<Place> place = place_of(launcher)) return LocalProcess{place->index, place->name};
    return std::nullopt;
}

std::string Shard::manifest_name() const {
    return count == 1 ? "manifest.jsonl" : concat("manifest-", index, "-of-", count, ".jsonl");
}

Shard find_shard(const std::string& given) {
    const size_t slash = given.find('/');
    const std::string left = given.substr(0, slash);
    const auto wrong = [&](const std::string& why) {
        return UsageError(concat("--shard ", given, ": ", why, "; expected I/N such as 1/8 to 8/8, auto, or auto/N"));
    };
    std::optional<int64_t> count;
    if (slash != std::string::npos) {
        count = whole_number(given.substr(slash + 1));
        if (!count || *count < 1) throw wrong("N is not a number of shares");
    }
    if (left != "auto") {
        const std::optional<int64_t> index = whole_number(left);
        if (!index || !count) throw wrong("that is no share");
        if (*index < 1 || *index > *count) throw wrong(concat("I is not within 1..", *count));
        return {*index, *count, "--shard"};
    }
    const std::optional<Place> place = launcher();
    if (!place) {
        if (count.value_or(1) > 1) throw wrong("no launcher has told this process its index");
        return {};
    }
    if (!count) count = place->count;
    if (!count)
        throw UsageError(concat(place->name, " tells this process its index, ", place->index,
                                ", but not how many share the jobs; say --shard auto/N, N being the completions of "
                                "the Job"));
    if (place->index < 0 || place->index >= *count)
        throw wrong(concat(place->name, " says that this is process ", place->index, " of ", *count));
    return {place->index + 1, *count, concat(place->name, " process ", place->index + 1, " of ", *count)};
}

}  // namespace limpid
