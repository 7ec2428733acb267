// PNG files by digest; what is missing goes through the batch renderer.
#include "viz/report/icon_cache.h"

#include "kernels/backend.h"
#include "kernels/error.h"
#include "viz/batch/job_list.h"
#include "viz/image/image.h"
#include "viz/image/visible.h"
#include "weights/sha256.h"

namespace limpid {

namespace {

std::string file_of(const Job& job, const Net& net, const Stream& stream) {
    return sha256_of(as_bytes(concat(description(job, net), ' ', stream.backend().name))) + ".icon";
}

// One below the other: the same numbers in the same order.
ConstView stacked(const HostTensor& images) {
    const Shape s = images.shape;
    return {images.values.data(), {1, s.n * s.h, s.w, s.c}};
}

}  // namespace

Job icon_job(const Unit& unit, const IconOptions& options) {
    Job job;
    job.name = concat(unit.layer, ':', unit.channel);
    job.objective = parse_objective(job.name);
    job.options.param.height = job.options.param.width = options.size;
    job.options.steps = options.steps;
    return job;
}

bool has_picture(const Net& net, const Job& job, const Stream& stream, Kept& kept) {
    return kept.find(file_of(job, net, stream)).has_value();
}

std::map<std::string, HostTensor> kept_pictures(const Net& net, const std::vector<Job>& jobs, int64_t batch,
                                                Stream& stream, Kept& kept, const PartWatcher& watcher) {
    std::map<std::string, HostTensor> pictures;
    std::vector<const Job*> missing;
    double all = 0, done = 0;
    for (const Job& job : jobs) {
        const std::string file = file_of(job, net, stream);
        if (const std::optional<std::string> png = kept.find(file)) {
            pictures[job.name] = decode_image(as_bytes(*png), file).rgb;
        } else {
            missing.push_back(&job);
            all += double(job.options.batch) * double(job.options.steps + 1);
        }
    }
    if (missing.empty()) return pictures;
    BatchRenderer renderer(net, stream, batch);
    size_t next = 0;
    bool stopped = false;
    renderer.run([&]() { return next < missing.size() ? missing[next++] : nullptr; },
                 [&](FinishedJob&& finished) {
                     if (!finished.error.empty()) throw Error(concat(finished.job->name, ": ", finished.error));
                     // From the file's bytes, so that a picture is the same whether it was kept or made.
                     const std::vector<std::byte> png = encode_png(stacked(visible(net, finished.images)));
                     const std::string file = file_of(*finished.job, net, stream);
                     kept.keep(file, png);
                     pictures[finished.job->name] = decode_image(png, file).rgb;
                 },
                 [&](int64_t image_steps) {
                     done += double(image_steps);
                     return !(stopped = watcher && !watcher(done / all));
                 });
    return stopped ? std::map<std::string, HostTensor>() : pictures;
}

}  // namespace limpid
