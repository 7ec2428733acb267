// Composite by composite, row by row.
#include "viz/judge/judge.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include "kernels/elementary.h"
#include "kernels/error.h"
#include "kernels/random/philox.h"
#include "nets/world/world.h"
#include "viz/attribution/faithfulness.h"
#include "viz/image/image.h"
#include "viz/judge/map_scores.h"

namespace limpid {

namespace {

constexpr uint32_t kNoiseMap = 107;  // RandomKey::purpose
constexpr int kConcepts = 2;

// A method on one network: the passes it needs, made once.
class Explainer {
  public:
    Explainer(const Net& net, const AttributionMethod& method, Shape picture, Stream& stream, const RunOptions& run)
        : net_(net), method_(method) {
        from_ = method.from == std::string("input") ? "input" : usual_layer(net, "", method.name);
        Shape start = picture;
        if (from_ != "input") {
            before_ = std::make_unique<Section>(net, "input", picture, from_, stream, SectionOptions{.run = run});
            start = before_->to_shape();
        }
        const VjpOverrides overrides = method.overrides ? method.overrides() : VjpOverrides{};
        section_ = std::make_unique<Section>(net, from_, start, net.logits, stream,
                                             SectionOptions{.overrides = overrides, .run = run});
    }

    const std::string& from() const { return from_; }

    // Of the picture's size.
    HostTensor map(const HostTensor& picture, int concept_index, const MethodSettings& settings) {
        const HostTensor x = before_ ? before_->forward(picture) : picture;
        const Explanation explanation = method_.explain(*section_, x, class_target(net_, concept_index), settings);
        section_->release_memory();  // every row has sections of its own
        if (before_) before_->release_memory();
        return resize(attribution_map(method_, explanation.attribution).view(), picture.shape.h, picture.shape.w);
    }

  private:
    Net net_;
    const AttributionMethod& method_;
    std::string from_;
    std::unique_ptr<Section> before_, section_;
};

// What a removed pixel is: what the preprocessing makes 0.
HostTensor blank_picture(const Net& net, Shape shape) {
    const Normalisation n = normalisation_of(net);
    HostTensor blank(shape);
    for (size_t i = 0; i < blank.values.size(); i++) {
        const size_t j = i % n.order.size();
        blank.values[i - j + size_t(n.order[j])] = n.mean[j] / n.scale[j];
    }
    return blank;
}

struct Sample {
    uint32_t index = 0;
    Composite composite;
};

Sample sample_of(const JudgeOptions& options, uint32_t index) {
    return {index, paint_composite(options.seed, index, kConcepts, options.size)};
}

// Numbers of the first `count` composites of the seed whose concepts are the network's first two answers. They are
// painted again when they are judged: all at once would take memory without bound.
std::vector<uint32_t> recognised(const Net& net, const JudgeOptions& options, Stream& stream, int64_t& painted) {
    constexpr int64_t kAtOnce = 14, kMostPainted = 20;  // composites painted for each that is judged
    Section whole(net, "input", {1, options.size, options.size, 3}, net.logits, stream, {.run = options.run});
    std::vector<uint32_t> samples;
    painted = 0;
    while (int64_t(samples.size()) < options.count) {
        if (painted >= kMostPainted * options.count)
            throw Error(concat("judge: of ", painted, " composites of ", options.size, " pixels ", net.name,
                               " recognises both concepts in ", samples.size(), ", expected ", options.count,
                               "; train it longer, or judge larger ones"));
        std::vector<Sample> some;
        HostTensor images({kAtOnce, options.size, options.size, 3});
        for (int64_t k = 0; k < kAtOnce; k++) {
            stream.stop().check();
            some.push_back(sample_of(options, uint32_t(painted + k)));
            std::ranges::copy(some.back().composite.image.values,
                              images.values.begin() + k * options.size * options.size * 3);
        }
        const HostTensor logits = whole.forward(images);
        for (int64_t k = 0; k < kAtOnce && int64_t(samples.size()) < options.count; k++, painted++) {
            const float* z = logits.view().pixel(k, 0, 0);
            const std::vector<int>& shown = some[size_t(k)].composite.patterns;
            const float least = std::min(z[shown[0]], z[shown[1]]);
            if (std::count_if(z, z + logits.shape.c, [&](float other) { return other >= least; }) == kConcepts)
                samples.push_back(some[size_t(k)].index);
        }
    }
    return samples;
}

// The references: maps that know nothing of the network.
HostTensor mask_itself(const JudgeOptions&, const Sample& s, int which) { return s.composite.masks[size_t(which)]; }

HostTensor bump_in_the_middle(const JudgeOptions&, const Sample& s, int) {
    HostTensor map = s.composite.masks[0];
    const double middle = double(map.shape.h - 1) / 2, width = double(map.shape.h) / 4;
    for (int64_t y = 0; y < map.shape.h; y++)
        for (int64_t x = 0; x < map.shape.w; x++) {
            const double away = std::pow(double(y) - middle, 2) + std::pow(double(x) - middle, 2);
            map.at(0, y, x, 0) = float(elementary::exp(-away / (2 * width * width)));
        }
    return map;
}

HostTensor noise(const JudgeOptions& options, const Sample& s, int) {
    HostTensor map = s.composite.masks[0];
    for (size_t i = 0; i < map.values.size(); i++)
        map.values[i] = random_uniform({options.seed, s.index, 0, kNoiseMap}, int64_t(i));
    return map;
}

struct Reference {
    const char* name;
    HostTensor (*map)(const JudgeOptions& options, const Sample& sample, int which);
};
constexpr Reference kReferences[] = {
    {"(the mask)", mask_itself}, {"(the middle)", bump_in_the_middle}, {"(noise)", noise}};

// A row's numbers for one composite.
struct Score {
    double energy = 0, gain = 0, pointing = 0, discrimination = 0, deletion = 0, insertion = 0, control = 0;
};
using Maps = std::array<HostTensor, kConcepts>;  // for each concept of a composite

Score score(const JudgeOptions& options, const Composite& c, const Maps& maps, double control, Section& whole,
            const HostTensor& blank) {
    Score s;
    double area = 0;
    for (size_t k = 0; k < kConcepts; k++) {
        const auto under = [&](auto curve) {
            return curve(whole, c.image, maps[k], c.patterns[k], options.curve_steps, blank).area();
        };
        s.energy += energy_inside(maps[k], c.masks[k]) / kConcepts;
        area += mask_area(c.masks[k]) / kConcepts;
        s.pointing += pointing_game(maps[k], c.masks[k], options.pointing_tolerance()) / kConcepts;
        s.deletion += under(deletion) / kConcepts;
        s.insertion += under(insertion) / kConcepts;
    }
    s.gain = s.energy / area;
    s.discrimination = class_discrimination(maps[0], maps[1], c.masks[0], c.masks[1]);
    s.control = control;
    return s;
}

// Every parameter random, other ones for each composite.
Net random_net(const Net& net, const JudgeOptions& options, const Sample& sample) {
    return randomised(net, "input", options.seed + sample.index);
}

MethodScores summary(std::string name, std::string from, const std::vector<Score>& scores, uint64_t seed) {
    const auto of = [&](double Score::*number) {
        std::vector<double> values;
        for (const Score& s : scores) values.push_back(s.*number);
        return estimate(values, seed);
    };
    return {.name = std::move(name),
            .from = std::move(from),
            .energy = of(&Score::energy),
            .gain = of(&Score::gain),
            .pointing = of(&Score::pointing),
            .discrimination = of(&Score::discrimination),
            .deletion = of(&Score::deletion),
            .insertion = of(&Score::insertion),
            .control = of(&Score::control)};
}

}  // namespace

void check_knows_world(const Net& net) {
    if (!std::ranges::equal(net.labels(), kPatternNames))
        throw Error(concat("judge: ", net.name, " has ", net.labels().size(),
                           " classes that are not the world's; expected those of limpid world --list: a network of "
                           "limpid train world, or --net patterns"));
}

Judgement judge_methods(const Net& net, const JudgeOptions& options, Stream& stream, const JudgeWatcher& watcher) {
    check_knows_world(net);
    std::vector<const AttributionMethod*> methods = options.methods;
    if (methods.empty())
        for (const AttributionMethod& method : attribution_methods()) methods.push_back(&method);
    Judgement result;
    const std::vector<uint32_t> samples = recognised(net, options, stream, result.painted);
    const Shape picture{1, options.size, options.size, 3};
    const HostTensor blank = blank_picture(net, picture);
    MethodSettings settings = options.settings;
    settings.seed = options.seed;
    Section whole(net, "input", picture, net.logits, stream, {.run = options.run});
    std::vector<std::unique_ptr<Explainer>> explainers;
    for (const AttributionMethod* method : methods)
        explainers.push_back(std::make_unique<Explainer>(net, *method, picture, stream, options.run));

    const size_t rows = std::size(kReferences) + methods.size();
    std::vector<std::vector<Score>> scores(rows);  // [row][composite]
    int64_t done = 0;
    const auto go_on = [&] { return !watcher || watcher(done++, int64_t(samples.size() * rows)); };
    const auto judged = [&](const Sample& sample, const Net& random, size_t row) {
        const Composite& c = sample.composite;
        if (row < std::size(kReferences)) {
            const auto map = [&](int which) { return kReferences[row].map(options, sample, which); };
            return score(options, c, {map(0), map(1)}, 1, whole, blank);
        }
        const size_t m = row - std::size(kReferences);
        Explainer untrained(random, *methods[m], picture, stream, options.run);
        const Maps maps{explainers[m]->map(c.image, c.patterns[0], settings),
                        explainers[m]->map(c.image, c.patterns[1], settings)};
        const double control = rank_correlation(maps[0], untrained.map(c.image, c.patterns[0], settings));
        return score(options, c, maps, control, whole, blank);
    };
    for (const uint32_t index : samples) {
        const Sample sample = sample_of(options, index);
        const Composite& c = sample.composite;
        const Net random = random_net(net, options, sample);
        std::vector<Score> column;
        try {
            for (size_t row = 0; row < rows && go_on(); row++) column.push_back(judged(sample, random, row));
        } catch (const Stopped&) {
        }
        if (column.size() < rows) break;  // stopped within the composite, which does not count
        for (size_t row = 0; row < rows; row++) scores[row].push_back(column[row]);
        for (const HostTensor& mask : c.masks) result.area += mask_area(mask) / kConcepts;
        result.judged++;
    }
    if (result.judged == 0) return result;
    result.area /= double(result.judged);
    for (size_t row = 0; row < rows; row++) {
        const bool reference = row < std::size(kReferences);
        const size_t m = row - std::size(kReferences);
        result.rows.push_back(summary(reference ? kReferences[row].name : methods[m]->name,
                                      reference ? "" : explainers[m]->from(), scores[row], options.seed));
    }
    return result;
}

}  // namespace limpid
