// Patterns of figures strewn over a surface, and the table of all patterns.
#include "kernels/elementary.h"
#include "kernels/error.h"
#include "nets/world/patterns.h"
#include "nets/world/world.h"

namespace limpid {

namespace {

// A figure of radius 1, in coordinates of its own: the signed distance times the radius, and what colour it has.
using Figure = std::function<Texel(float u, float v, float radius, float number)>;

// One figure in each cell of a turned grid, moved and turned a little by the numbers of the cell; or few large ones.
Painter strewn(float smallest, float largest, float extent, bool any_angle, Draws& d, Figure figure) {
    const Turn turn(d.between(0, kPi));
    const float most = std::fmax(smallest, std::fmin(largest, 0.42f * extent));
    const float radius = smallest * float(elementary::pow(most / smallest, d.unit()));
    const float cell = 2 * radius * d.between(1.15f, 1.6f), room = cell / 2 - radius;
    // The middle of a cell is near the middle of the part, so that a figure is always seen.
    const float du = cell * d.between(0.3f, 0.7f), dv = cell * d.between(0.3f, 0.7f), tilt = d.between(-0.3f, 0.3f);
    const bool ordered = d.chance(0.4f);
    const float common = any_angle ? d.between(0, 2 * kPi) : 0;
    const CellNumbers cells(d);
    return [=](float x, float y) -> Texel {
        const float u = turn.u(x, y) + du, v = turn.v(x, y) + dv;
        const int i = int(std::floor(u / cell)), j = int(std::floor(v / cell));
        float a = u - (float(i) + 0.5f) * cell, b = v - (float(j) + 0.5f) * cell;
        if (!ordered) a -= room * (2 * cells(i, j) - 1), b -= room * (2 * cells(i, j, 1) - 1);
        // Upright figures are turned back with the grid.
        const float px = turn.c * a - turn.s * b, py = turn.s * a + turn.c * b;
        if (px * px + py * py > (radius + 1) * (radius + 1)) return {{}, 0};
        const float number = cells(i, j, 2);
        const Turn own(any_angle ? common + (ordered ? 0 : 2 * kPi * number) : tilt * number);
        return figure(own.u(px, py) / radius, own.v(px, py) / radius, radius, number);
    };
}

// The distance of a point from the line between two points.
float to_segment(float u, float v, float ax, float ay, float bx, float by) {
    const float ex = bx - ax, ey = by - ay, t = clamp_unit(((u - ax) * ex + (v - ay) * ey) / (ex * ex + ey * ey));
    return std::hypot(u - ax - t * ex, v - ay - t * ey);
}

Rgb shaded(const Palette& p, float variety, float number) { return mix(p.first, p.third, variety * number); }

}  // namespace

Painter dots(float extent, const Palette& p, Draws& d) {
    const float variety = d.chance(0.5f) ? 0 : 0.6f;
    return strewn(3, 9, extent, false, d, [=](float u, float v, float radius, float number) -> Texel {
        return {shaded(p, variety, number), inside((std::hypot(u, v) - 0.95f) * radius)};
    });
}

Painter stars(float extent, const Palette& p, Draws& d) {
    const float points = float(5 + d.below(2)), waist = d.between(0.36f, 0.46f), variety = d.between(0, 0.6f);
    return strewn(7, 18, extent, true, d, [=](float u, float v, float radius, float number) -> Texel {
        // Folded into half a point: the edge runs from the tip (1, 0) to the waist.
        const float period = 2 * kPi / points, angle = to_multiple(std::atan2(v, u), period), r = std::hypot(u, v);
        const float x = r * cosine(angle), y = r * sine(angle);
        const float wx = waist * cosine(period / 2), wy = waist * sine(period / 2);
        const float nx = wy, ny = 1 - wx, length = std::hypot(nx, ny);
        return {shaded(p, variety, number), inside((nx * (x - 1) + ny * y) / length * radius)};
    });
}

Painter crosses(float extent, const Palette& p, Draws& d) {
    const float half = d.between(0.2f, 0.32f), variety = d.between(0, 0.6f);
    return strewn(5, 14, extent, true, d, [=](float u, float v, float radius, float number) -> Texel {
        const float x = std::fabs(u), y = std::fabs(v), long_side = 0.95f;
        const float distance = std::fmax(std::fmin(x, y) - half, std::fmax(x, y) - long_side);
        return {shaded(p, variety, number), inside(distance * radius)};
    });
}

Painter corners(float extent, const Palette& p, Draws& d) {
    const float half = d.between(0.14f, 0.22f), variety = d.between(0, 0.6f);
    return strewn(7, 20, extent, true, d, [=](float u, float v, float radius, float number) -> Texel {
        const float a = to_segment(u, v, -0.5f, -0.5f, 0.75f, -0.5f), b = to_segment(u, v, -0.5f, -0.5f, -0.5f, 0.75f);
        return {shaded(p, variety, number), inside((std::fmin(a, b) - half) * radius)};
    });
}

Painter curves(float extent, const Palette& p, Draws& d) {
    const float half = d.between(0.11f, 0.18f), span = d.between(1.0f, 1.6f), variety = d.between(0, 0.6f);
    return strewn(8, 22, extent, true, d, [=](float u, float v, float radius, float number) -> Texel {
        const float r = std::hypot(u, v), angle = std::fabs(std::atan2(v, u)), kMiddle = 0.8f;
        const float end = std::hypot(u - kMiddle * cosine(span), std::fabs(v) - kMiddle * sine(span));
        return {shaded(p, variety, number), inside(((angle < span ? std::fabs(r - kMiddle) : end) - half) * radius)};
    });
}

Painter eyes(float extent, const Palette& p, Draws& d) {
    const float iris = d.between(0.38f, 0.46f), pupil = iris * d.between(0.4f, 0.6f), opening = d.between(0.5f, 0.62f);
    const float look_x = d.between(-0.2f, 0.2f), look_y = d.between(-0.08f, 0.08f);
    const Rgb white{0.95f, 0.94f, 0.92f}, black{0.05f, 0.04f, 0.05f};
    return strewn(11, 28, extent, false, d, [=](float u, float v, float radius, float) -> Texel {
        // The lens between two circles through the corners of the eye.
        const float circle = (1 + opening * opening) / (2 * opening),
                    lens = std::hypot(u, std::fabs(v) + circle - opening) - circle;
        const float centre = std::hypot(u - look_x, v - look_y);
        Rgb colour = mix(white, p.first, inside((centre - iris) * radius));
        colour = mix(colour, black, inside((centre - pupil) * radius));
        colour = mix(colour, white, inside((std::hypot(u - look_x - 0.1f, v - look_y + 0.12f) - 0.08f) * radius));
        return {mix(colour, black, inside((-lens - 0.07f) * radius)), inside(lens * radius)};
    });
}

Painter flowers(float extent, const Palette& p, Draws& d) {
    const float petals = float(5 + d.below(4)), depth = d.between(0.2f, 0.32f), heart = d.between(0.22f, 0.32f);
    const Rgb centre = p.third, petal = p.first;
    return strewn(8, 20, extent, true, d, [=](float u, float v, float radius, float) -> Texel {
        const float r = std::hypot(u, v), edge = 0.95f - depth + depth * cosine(petals * std::atan2(v, u));
        const Rgb shade = mix(petal, p.second, 0.5f * clamp_unit(1 - r / 0.7f));
        return {mix(shade, centre, inside((r - heart) * radius)), inside((r - edge) * 0.8f * radius)};
    });
}

Painter pattern_painter(int pattern, float extent, const Palette& palette, Draws& draws) {
    static constexpr MakePainter kMakers[kPatterns] = {// in the order of kPatternNames
                                                       horizontal_stripes,
                                                       vertical_stripes,
                                                       rising_stripes,
                                                       falling_stripes,
                                                       checkers,
                                                       plaid,
                                                       hatching,
                                                       bricks,
                                                       honeycomb,
                                                       zigzag,
                                                       waves,
                                                       scales,
                                                       rings,
                                                       spiral,
                                                       rays,
                                                       blobs,
                                                       gradient,
                                                       fur,
                                                       dots,
                                                       stars,
                                                       crosses,
                                                       corners,
                                                       curves,
                                                       eyes,
                                                       flowers};
    CHECK(pattern >= 0 && pattern < kPatterns);
    return kMakers[pattern](extent, palette, draws);
}

}  // namespace limpid
