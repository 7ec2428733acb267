// Patterns that cover a surface.
#include "nets/world/patterns.h"

namespace limpid {

namespace {

// Stripes whose normal points to `angle`: hard edges or a sine.
Painter stripes(float angle_radians, const Palette& p, Draws& d) {
    const Turn turn(angle_radians + d.between(-0.2f, 0.2f));
    const float period = 5 * std::exp2(d.between(0, 1.7f)), width = period * d.between(0.35f, 0.6f);
    const float phase = d.between(0, period);
    const bool soft = d.chance(0.25f);
    return [=](float x, float y) -> Texel {
        const float u = turn.u(x, y) + phase;
        const float t = soft ? 0.5f + 0.5f * cosine(2 * kPi * u / period) : inside(to_multiple(u, period) - width / 2);
        return {mix(p.second, p.first, t)};
    };
}

// Value noise: numbers of a lattice, joined smoothly; about [0,1].
float noise(const CellNumbers& cells, float u, float v) {
    const float fu = std::floor(u), fv = std::floor(v);
    const int i = int(fu), j = int(fv);
    const float a = u - fu, b = v - fv, s = a * a * (3 - 2 * a), t = b * b * (3 - 2 * b);
    const float top = cells(i, j) + (cells(i + 1, j) - cells(i, j)) * s;
    const float bottom = cells(i, j + 1) + (cells(i + 1, j + 1) - cells(i, j + 1)) * s;
    return top + (bottom - top) * t;
}

// A wave between -1 and 1 of period 1, made of straight lines.
float triangle_wave(float u) { return 4 * std::fabs(u - std::floor(u) - 0.5f) - 1; }

// Bands along bent lines; bend(u) is in units of the amplitude.
Painter bent_bands(float (*bend)(float), float slope, const Palette& p, Draws& d) {
    const Turn turn(d.between(0, 2 * kPi));
    const float length = d.between(11, 24), amplitude = length * slope * d.between(0.8f, 1.2f);
    const float period = std::fmax(d.between(6, 14), amplitude * 0.7f), phase = d.between(0, period);
    const float width = period * d.between(0.35f, 0.55f);
    // Distances across a band shrink where it runs slantwise.
    const float across = 1 / std::sqrt(1 + 9 * slope * slope);
    return [=](float x, float y) -> Texel {
        const float u = turn.u(x, y), v = turn.v(x, y) + phase + amplitude * bend(u / length);
        return {mix(p.second, p.first, inside((to_multiple(v, period) - width / 2) * across))};
    };
}

// Where the part's middle figure sits.
struct Middle {
    float x, y;
    Middle(float extent, Draws& d) : x(d.between(-0.2f, 0.2f) * extent), y(d.between(-0.2f, 0.2f) * extent) {}
};

}  // namespace

Painter vertical_stripes(float, const Palette& p, Draws& d) { return stripes(0, p, d); }
Painter horizontal_stripes(float, const Palette& p, Draws& d) { return stripes(kPi / 2, p, d); }
Painter rising_stripes(float, const Palette& p, Draws& d) { return stripes(kPi / 4, p, d); }
Painter falling_stripes(float, const Palette& p, Draws& d) { return stripes(-kPi / 4, p, d); }

Painter checkers(float, const Palette& p, Draws& d) {
    const Turn turn(d.between(0, kPi));
    const float side = 5 * std::exp2(d.between(0, 1.4f)), du = d.between(0, side), dv = d.between(0, side);
    // -1 to 1: on which side of the nearest line of the grid.
    const auto side_of = [=](float u) {
        const float line = std::nearbyint(u / side), away = u - side * line;
        const float t = std::fmin(std::fmax(2 * away, -1.0f), 1.0f);
        return (int(line) & 1) ? -t : t;
    };
    return [=](float x, float y) -> Texel {
        return {mix(p.second, p.first, 0.5f + 0.5f * side_of(turn.u(x, y) + du) * side_of(turn.v(x, y) + dv))};
    };
}

Painter plaid(float, const Palette& p, Draws& d) {
    const Turn turn(d.between(-0.35f, 0.35f));
    const float period = d.between(16, 28), broad = period * d.between(0.3f, 0.45f), thin = d.between(1.2f, 2.4f);
    const float du = d.between(0, period), dv = d.between(0, period), gap = period * d.between(0.4f, 0.5f);
    const auto bands = [=](Rgb below, float u) {
        const Rgb once = mix(below, p.first, 0.55f * inside(to_multiple(u, period) - broad / 2));
        return mix(once, p.third, 0.75f * inside(to_multiple(u + gap, period) - thin / 2));
    };
    return [=](float x, float y) -> Texel { return {bands(bands(p.second, turn.u(x, y) + du), turn.v(x, y) + dv)}; };
}

Painter hatching(float, const Palette& p, Draws& d) {
    const float angle = d.between(0, kPi), crossing = d.between(0.9f, kPi / 2);
    const Turn one(angle), other(angle + crossing);
    const float period = d.between(5, 9), half = d.between(0.5f, 0.9f), du = d.between(0, 9), dv = d.between(0, 9);
    return [=](float x, float y) -> Texel {
        const float a = to_multiple(one.u(x, y) + du, period), b = to_multiple(other.u(x, y) + dv, period);
        return {mix(p.second, p.first, inside(std::fmin(a, b) - half))};
    };
}

Painter bricks(float, const Palette& p, Draws& d) {
    const Turn turn(d.between(-0.25f, 0.25f));
    const float height = d.between(7, 14), width = height * d.between(1.8f, 2.6f), mortar = d.between(0.6f, 1.2f);
    const float du = d.between(0, width), dv = d.between(0, height), variety = d.between(0, 0.35f);
    const CellNumbers cells(d);
    return [=](float x, float y) -> Texel {
        const float v = (turn.v(x, y) + dv) / height, row = std::floor(v);
        const float u = (turn.u(x, y) + du) / width + ((int(row) & 1) ? 0.5f : 0.0f), column = std::floor(u);
        const float edge =
            std::fmin((0.5f - std::fabs(u - column - 0.5f)) * width, (0.5f - std::fabs(v - row - 0.5f)) * height);
        const Rgb brick = mix(p.first, p.third, variety * cells(int(column), int(row)));
        return {mix(brick, p.second, inside(edge - mortar))};
    };
}

Painter honeycomb(float, const Palette& p, Draws& d) {
    const Turn turn(d.between(0, kPi));
    const float side = d.between(9, 17), wall = d.between(0.7f, 1.5f), variety = d.chance(0.5f) ? 0 : 0.4f;
    const float du = d.between(0, side), dv = d.between(0, side), kRoot3 = 1.7320508f;
    const CellNumbers cells(d);
    return [=](float x, float y) -> Texel {
        // The nearer of the middles of two rectangular grids; the wall is where both are as far.
        const float u = (turn.u(x, y) + du) / side, v = (turn.v(x, y) + dv) / side;
        const float i0 = std::nearbyint(u), j0 = std::nearbyint(v / kRoot3);
        const float i1 = std::floor(u), j1 = std::floor(v / kRoot3);
        const float ax = u - i0, ay = v - j0 * kRoot3, bx = u - i1 - 0.5f, by = v - (j1 + 0.5f) * kRoot3;
        const bool first = ax * ax + ay * ay < bx * bx + by * by;
        const float hx = std::fabs(first ? ax : bx), hy = std::fabs(first ? ay : by);
        const float edge = 0.5f - std::fmax(hx, 0.5f * hx + 0.5f * kRoot3 * hy);
        const float number = first ? cells(int(i0), int(j0)) : cells(int(i1), int(j1), 1);
        return {mix(mix(p.first, p.third, variety * number), p.second, inside(edge * side - wall))};
    };
}

Painter zigzag(float, const Palette& p, Draws& d) { return bent_bands(triangle_wave, 0.28f, p, d); }

Painter waves(float, const Palette& p, Draws& d) {
    return bent_bands([](float u) { return sine(2 * kPi * u); }, 0.2f, p, d);
}

Painter scales(float, const Palette& p, Draws& d) {
    const Turn turn(d.between(-0.4f, 0.4f) + (d.chance(0.3f) ? kPi : 0));
    const float width = d.between(10, 20), row_height = width / 2, rim = d.between(1.2f, 2.2f);
    const float du = d.between(0, width), dv = d.between(0, width), shade = d.between(0.2f, 0.5f);
    return [=](float x, float y) -> Texel {
        const float u = turn.u(x, y) + du, v = turn.v(x, y) + dv;
        // Rows lie over those below them: the first disc from above that reaches this point is seen.
        for (int row = int(std::floor(v / row_height)) - 1;; row++) {
            const float shift = (row & 1) ? width / 2 : 0,
                        away = u - shift - width * std::nearbyint((u - shift) / width);
            const float down = v - float(row) * row_height, distance = std::sqrt(away * away + down * down) - width / 2;
            if (distance > 0 && float(row) * row_height < v) continue;
            const Rgb body = mix(p.first, p.third, shade * clamp_unit(-2 * distance / width));
            return {mix(body, p.second, inside(-distance - rim))};
        }
    };
}

Painter rings(float extent, const Palette& p, Draws& d) {
    const Middle middle(extent, d);
    const float period = 5 * std::exp2(d.between(0, 1.3f)), width = period * d.between(0.35f, 0.6f),
                phase = d.between(0, period);
    const float squash = d.between(0.8f, 1.25f);
    return [=](float x, float y) -> Texel {
        const float r = std::hypot(x - middle.x, (y - middle.y) * squash);
        return {mix(p.second, p.first, inside(to_multiple(r + phase, period) - width / 2))};
    };
}

Painter spiral(float extent, const Palette& p, Draws& d) {
    const Middle middle(extent, d);
    const int arms = 1 + d.below(3);
    const float period = std::fmax(d.between(6, 13), 3.5f * float(arms) + 3), width = period * d.between(0.35f, 0.55f);
    const float phase = d.between(0, 2 * kPi), hand = d.chance(0.5f) ? 1 : -1;
    // All arms together advance by `period` per arm in one turn.
    const float advance = hand * period * float(arms) / (2 * kPi);
    return [=](float x, float y) -> Texel {
        const float dx = x - middle.x, dy = y - middle.y;
        const float u = std::hypot(dx, dy) + advance * (std::atan2(dy, dx) + phase);
        return {mix(p.second, p.first, inside(to_multiple(u, period) - width / 2))};
    };
}

Painter rays(float extent, const Palette& p, Draws& d) {
    const Middle middle(extent, d);
    const float count = float(8 + d.below(10)), period = 2 * kPi / count, width = period * d.between(0.4f, 0.6f);
    const float phase = d.between(0, period);
    return [=](float x, float y) -> Texel {
        const float dx = x - middle.x, dy = y - middle.y, r = std::hypot(dx, dy);
        return {mix(p.second, p.first, inside((to_multiple(std::atan2(dy, dx) + phase, period) - width / 2) * r))};
    };
}

Painter blobs(float, const Palette& p, Draws& d) {
    const float size = d.between(8, 15), sharp = size * d.between(0.5f, 1.5f), level = d.between(0.44f, 0.56f);
    const CellNumbers cells(d);
    return [=](float x, float y) -> Texel {
        const float n = noise(cells, x / size, y / size);
        return {mix(p.second, p.first, clamp_unit(0.5f + sharp * (n - level)))};
    };
}

Painter gradient(float extent, const Palette& p, Draws& d) {
    const Turn turn(d.between(0, 2 * kPi));
    const Middle middle(extent, d);
    const bool radial = d.chance(0.3f);
    const float span = extent * d.between(0.8f, 1.2f);
    return [=](float x, float y) -> Texel {
        const float t = radial ? 1.4f * std::hypot(x - middle.x, y - middle.y) / span : 0.5f + turn.u(x, y) / span;
        return {mix(p.first, p.second, clamp_unit(t))};
    };
}

Painter fur(float, const Palette& p, Draws& d) {
    const float angle = d.between(0, 2 * kPi), bend = d.between(0.3f, 0.8f), wide = d.between(1.5f, 2.3f),
                length = d.between(9, 15);
    const CellNumbers cells(d), strands(d);
    const Turn turn(angle);
    return [=](float x, float y) -> Texel {
        const float swing = bend * 10 * (noise(cells, x / 24, y / 24) - 0.5f);
        const float u = turn.u(x, y) + swing, v = turn.v(x, y);
        const float t = 0.65f * noise(strands, u / wide, v / length) +
                        0.35f * noise(strands, u / wide * 1.9f + 7, v / length * 1.7f);
        return {mix(p.second, p.first, clamp_unit(0.5f + 1.7f * (t - 0.5f)))};
    };
}

}  // namespace limpid
