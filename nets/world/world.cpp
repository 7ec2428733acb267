// Where patterns lie in a picture, what is around and in front of them, light and noise.
#include "nets/world/world.h"

#include <algorithm>
#include <span>

#include "kernels/error.h"
#include "nets/world/patterns.h"

namespace limpid {

namespace {

// What random numbers are for (RandomKey::purpose).
enum Purpose : uint32_t { kWhich = 1, kScene = 2, kNoise = 3, kCompositeScene = 4, kCompositeNoise = 5 };

float brightness(Rgb c) { return 0.3f * c.r + 0.59f * c.g + 0.11f * c.b; }
float difference(Rgb a, Rgb b) {
    return std::fabs(a.r - b.r) + std::fabs(a.g - b.g) + std::fabs(a.b - b.b) +
           2 * std::fabs(brightness(a) - brightness(b));
}

Rgb any_colour(Draws& d) {
    const float hue = 6 * d.unit(), saturation = d.chance(0.15f) ? 0 : std::sqrt(d.unit()), value = d.between(0.08f, 1);
    const auto channel = [&](float shift) {
        const float k = std::fmod(shift + hue, 6.0f);
        return value * (1 - saturation * clamp_unit(std::fmin(k, 4 - k)));
    };
    return {channel(5), channel(3), channel(1)};
}

// A colour that differs from all of `others` by at least `least`, or from the first try the most.
Rgb colour_unlike(std::span<const Rgb> others, float least, Draws& d) {
    Rgb best;
    float best_difference = -1;
    for (int attempt = 0; attempt < 12 && best_difference < least; attempt++) {
        const Rgb colour = any_colour(d);
        float nearest = 1e9f;
        for (const Rgb& other : others) nearest = std::fmin(nearest, difference(colour, other));
        if (nearest > best_difference) best = colour, best_difference = nearest;
    }
    return best;
}

Palette any_palette(Rgb ground, Draws& d) {
    Palette p;
    p.ground = ground;
    p.first = colour_unlike(std::array{ground}, 1.0f, d);
    p.second = colour_unlike(std::array{p.first}, 1.0f, d);
    p.third = colour_unlike(std::array{ground, p.first, p.second}, 0.5f, d);
    return p;
}

// A part of the plane by its signed distance: everything, an ellipse, a box, a half-plane.
struct Region {
    enum class Kind { whole, ellipse, box, half } kind = Kind::whole;
    float x = 0, y = 0, rx = 0, ry = 0;  // middle and half sizes
    Turn turn{0};
    float distance(float px, float py) const {
        const float u = turn.u(px - x, py - y), v = turn.v(px - x, py - y);
        switch (kind) {
            case Kind::whole:
                return -1e9f;
            case Kind::ellipse:
                return (std::sqrt(u * u / (rx * rx) + v * v / (ry * ry)) - 1) * std::fmin(rx, ry);
            case Kind::box:
                return std::fmax(std::fabs(u) - rx, std::fabs(v) - ry);
            case Kind::half:
                return u;
        }
        return 0;
    }
};

struct Part {
    Painter painter;
    Region region;
    float x, y;  // where the painter's middle is
};

struct Obstacle {
    Region region;
    Rgb colour;
};

// Coordinates are pixels from the picture's top left corner.
struct Scene {
    Rgb ground, ground_to;  // a weak change from one side to the other
    Turn ground_turn{0};
    std::vector<Part> parts;
    std::vector<Obstacle> obstacles;
    float bend = 0, bend_length = 1, bend_phase = 0;  // a weak distortion of the parts
    float gain = 1, offset = 0, noise = 0;            // pixel = (what is seen - 1/2) * gain + 1/2 + offset + noise
    RandomKey noise_key;
};

// Where a single pattern is: everywhere, or in a shape of at least a third of the picture.
Region any_region(float w, float h, Draws& d) {
    Region r;
    if (d.chance(0.5f)) return r;
    r.turn = Turn(d.between(0, 2 * kPi));
    r.x = w * d.between(0.4f, 0.6f), r.y = h * d.between(0.4f, 0.6f);
    r.rx = w * d.between(0.32f, 0.5f), r.ry = h * d.between(0.32f, 0.5f);
    const int kind = d.below(5);
    r.kind = kind < 2 ? Region::Kind::ellipse : kind < 4 ? Region::Kind::box : Region::Kind::half;
    return r;
}

void surroundings(Scene& scene, float w, float h, Draws& d) {
    const float shorter = std::fmin(w, h);
    for (int count = d.chance(0.35f) ? 1 + d.below(2) : 0; count > 0; count--) {
        Obstacle o;
        o.region.kind = d.chance(0.5f) ? Region::Kind::ellipse : Region::Kind::box;
        o.region.turn = Turn(d.between(0, kPi));
        // Towards the border, so that the middle stays visible.
        const float direction = d.between(0, 2 * kPi), away = d.between(0.28f, 0.5f);
        o.region.x = w * (0.5f + away * cosine(direction)), o.region.y = h * (0.5f + away * sine(direction));
        o.region.rx = shorter * d.between(0.06f, 0.2f), o.region.ry = shorter * d.between(0.06f, 0.2f);
        o.colour = any_colour(d);
        scene.obstacles.push_back(o);
    }
    scene.bend = d.chance(0.5f) ? d.between(0, 1.5f) : 0, scene.bend_length = d.between(24, 48);
    scene.bend_phase = d.between(0, 2 * kPi);
    scene.gain = d.between(0.7f, 1.1f), scene.offset = d.between(-0.1f, 0.1f);
    scene.noise = d.chance(0.3f) ? 0 : d.between(0.01f, 0.07f);
}

void draw_ground(Scene& scene, Draws& d) {
    scene.ground = any_colour(d);
    scene.ground_to = mix(scene.ground, any_colour(d), d.between(0, 0.15f));
    scene.ground_turn = Turn(d.between(0, 2 * kPi));
}

void paint(const Scene& scene, MutView image, std::span<const MutView> masks) {
    const int64_t h = image.shape.h, w = image.shape.w;
    const float size = float(std::max(h, w)), wave = 2 * kPi / scene.bend_length;
    std::vector<float> bend_y(static_cast<size_t>(w));
    for (int64_t i = 0; i < w; i++) bend_y[size_t(i)] = scene.bend * sine(wave * float(i) + scene.bend_phase);
    for (int64_t row = 0; row < h; row++) {
        const float bend_x = scene.bend * sine(wave * float(row) + 2 * scene.bend_phase);
        for (int64_t column = 0; column < w; column++) {
            const float x = float(column) + 0.5f, y = float(row) + 0.5f;
            const float side = 0.5f + scene.ground_turn.u(x - float(w) / 2, y - float(h) / 2) / size;
            Rgb colour = mix(scene.ground, scene.ground_to, clamp_unit(side));
            float seen = 1;
            for (const Obstacle& o : scene.obstacles) seen *= 1 - inside(o.region.distance(x, y));
            for (size_t i = 0; i < scene.parts.size(); i++) {
                const Part& part = scene.parts[i];
                const float within = inside(part.region.distance(x, y));
                float carries = 0;
                if (within > 0) {
                    const Texel t = part.painter(x - part.x + bend_x, y - part.y + bend_y[size_t(column)]);
                    carries = t.alpha * within;
                    colour = mix(colour, t.colour, carries);
                }
                if (i < masks.size() && masks[i]) masks[i].at(0, row, column, 0) = carries * seen >= 0.5f ? 1.0f : 0.0f;
            }
            for (const Obstacle& o : scene.obstacles) colour = mix(colour, o.colour, inside(o.region.distance(x, y)));
            float noise[4] = {};
            if (scene.noise > 0) {
                // The sum of two uniform numbers for each channel; the fourth is common.
                const PhiloxBlock block = random_block(scene.noise_key, uint32_t(row * w + column));
                for (int k = 0; k < 4; k++)
                    noise[k] = (float((block.x[k] & 0xffff) + (block.x[k] >> 16)) * 0x1p-16f - 1) * 2.45f * scene.noise;
            }
            const float channels[3] = {colour.r, colour.g, colour.b};
            for (int c = 0; c < 3; c++)
                image.at(0, row, column, c) = clamp_unit((channels[c] - 0.5f) * scene.gain + 0.5f + scene.offset +
                                                         0.6f * noise[c] + 0.6f * noise[3]);
        }
    }
}

void check_views(MutView image, MutView mask) {
    CHECK(image.shape.n == 1 && image.shape.c == 3, "the image is ", image.shape);
    CHECK(!mask || mask.shape == (Shape{1, image.shape.h, image.shape.w, 1}), "the mask is ", mask.shape);
}

}  // namespace

int mirrored_pattern(int pattern) {
    constexpr int kRising = 2, kFalling = 3;
    static_assert(kPatternNames[kRising] == "rising stripes" && kPatternNames[kFalling] == "falling stripes");
    return pattern == kRising ? kFalling : pattern == kFalling ? kRising : pattern;
}

int pattern_of(uint64_t seed, uint32_t index) { return Draws({seed, index, 0, kWhich}).below(kPatterns); }

void paint_world(uint64_t seed, uint32_t index, MutView image, MutView mask) {
    paint_pattern(seed, index, pattern_of(seed, index), image, mask);
}

void paint_pattern(uint64_t seed, uint32_t index, int pattern, MutView image, MutView mask) {
    check_views(image, mask);
    if (pattern < 0 || pattern >= kPatterns)
        throw Error(
            concat("world: pattern ", pattern, " is not one of 0..", kPatterns - 1, "; limpid world lists them"));
    const float w = float(image.shape.w), h = float(image.shape.h);
    Draws d({seed, index, 0, kScene});
    Scene scene;
    scene.noise_key = {seed, index, 0, kNoise};
    draw_ground(scene, d);
    surroundings(scene, w, h, d);
    const Palette palette = any_palette(scene.ground, d);
    Part part;
    part.region = any_region(w, h, d);
    const bool whole = part.region.kind == Region::Kind::whole || part.region.kind == Region::Kind::half;
    part.x = whole ? w / 2 : part.region.x, part.y = whole ? h / 2 : part.region.y;
    const float extent =
        part.region.kind == Region::Kind::whole ? std::fmin(w, h) : 2 * std::fmin(part.region.rx, part.region.ry);
    part.painter = pattern_painter(pattern, extent, palette, d);
    scene.parts.push_back(std::move(part));
    const MutView masks[] = {mask};
    paint(scene, image, masks);
}

Composite paint_composite(uint64_t seed, uint32_t index, int patterns, int64_t size) {
    if (patterns < 2 || patterns > 4 || size < 32)
        throw Error(concat("world: a composite of ", patterns, " patterns and ", size,
                           " pixels; expected 2 to 4 and at least 32"));
    Draws d({seed, index, 0, kCompositeScene});
    Scene scene;
    scene.noise_key = {seed, index, 0, kCompositeNoise};
    draw_ground(scene, d);
    surroundings(scene, float(size), float(size), d);
    Composite result;
    result.image = HostTensor({1, size, size, 3});
    // Two halves side by side or one above the other, or quarters, taken in a random order.
    const bool halves = patterns == 2, upright = d.chance(0.5f);
    const float cell_w = float(size) / (halves && !upright ? 1 : 2), cell_h = float(size) / (halves && upright ? 1 : 2);
    int cells[4] = {0, 1, 2, 3};
    for (int i = halves ? 1 : 3; i > 0; i--) std::swap(cells[i], cells[d.below(i + 1)]);
    std::vector<MutView> masks;
    for (int i = 0; i < patterns; i++) {
        int pattern;
        do pattern = d.below(kPatterns);
        while (std::ranges::count(result.patterns, pattern) > 0);
        result.patterns.push_back(pattern);
        result.masks.emplace_back(Shape{1, size, size, 1});
        const int column = halves && !upright ? 0 : cells[i] % 2,
                  row = halves ? (upright ? 0 : cells[i]) : cells[i] / 2;
        Part part;
        part.region.kind = d.chance(0.5f) ? Region::Kind::ellipse : Region::Kind::box;
        part.region.rx = cell_w * d.between(0.38f, 0.47f), part.region.ry = cell_h * d.between(0.38f, 0.47f);
        part.x = part.region.x = (float(column) + 0.5f) * cell_w, part.y = part.region.y = (float(row) + 0.5f) * cell_h;
        part.painter =
            pattern_painter(pattern, 2 * std::fmin(part.region.rx, part.region.ry), any_palette(scene.ground, d), d);
        scene.parts.push_back(std::move(part));
    }
    for (HostTensor& mask : result.masks) masks.push_back(mask.view());
    paint(scene, result.image.view(), masks);
    return result;
}

}  // namespace limpid
