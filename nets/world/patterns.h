// How each pattern is painted: a function from a point to colour and opacity, its numbers drawn once.
#pragma once

#include <cmath>
#include <functional>

#include "kernels/elementary.h"
#include "nets/world/draws.h"

namespace limpid {

inline float sine(float x) { return float(elementary::sin(x)); }
inline float cosine(float x) { return float(elementary::cos(x)); }

struct Rgb {
    float r = 0, g = 0, b = 0;
};
inline Rgb mix(Rgb a, Rgb b, float t) { return {a.r + (b.r - a.r) * t, a.g + (b.g - a.g) * t, a.b + (b.b - a.b) * t}; }

// What lies at a point. Figures are opaque on themselves alone, textures everywhere.
struct Texel {
    Rgb colour;
    float alpha = 1;
};

// first and second differ clearly in brightness; third is an accent. first differs clearly from the ground too.
struct Palette {
    Rgb ground, first, second, third;
};

// Coordinates are pixels from the middle of the part, y downwards.
using Painter = std::function<Texel(float x, float y)>;

// The painter of pattern p (an index of kPatternNames) in a part of about `extent` pixels.
Painter pattern_painter(int pattern, float extent, const Palette& palette, Draws& draws);

// For the tables of textures.cpp and figures.cpp.
using MakePainter = Painter (*)(float extent, const Palette& palette, Draws& draws);
Painter horizontal_stripes(float, const Palette&, Draws&);
Painter vertical_stripes(float, const Palette&, Draws&);
Painter rising_stripes(float, const Palette&, Draws&);
Painter falling_stripes(float, const Palette&, Draws&);
Painter checkers(float, const Palette&, Draws&);
Painter plaid(float, const Palette&, Draws&);
Painter hatching(float, const Palette&, Draws&);
Painter bricks(float, const Palette&, Draws&);
Painter honeycomb(float, const Palette&, Draws&);
Painter zigzag(float, const Palette&, Draws&);
Painter waves(float, const Palette&, Draws&);
Painter scales(float, const Palette&, Draws&);
Painter rings(float, const Palette&, Draws&);
Painter spiral(float, const Palette&, Draws&);
Painter rays(float, const Palette&, Draws&);
Painter blobs(float, const Palette&, Draws&);
Painter gradient(float, const Palette&, Draws&);
Painter fur(float, const Palette&, Draws&);
Painter dots(float, const Palette&, Draws&);
Painter stars(float, const Palette&, Draws&);
Painter crosses(float, const Palette&, Draws&);
Painter corners(float, const Palette&, Draws&);
Painter curves(float, const Palette&, Draws&);
Painter eyes(float, const Palette&, Draws&);
Painter flowers(float, const Palette&, Draws&);

// Shared by both files: geometry in pixels ------------------------------------------------------------------------

inline constexpr float kPi = 3.14159265f;

inline float clamp_unit(float t) { return t < 0 ? 0 : t > 1 ? 1 : t; }
// 1 inside (negative distances), 0 outside, an edge one pixel wide.
inline float inside(float distance) { return clamp_unit(0.5f - distance); }
// The distance to the nearest multiple of `period`, in [0, period/2].
inline float to_multiple(float u, float period) { return std::fabs(u - period * std::nearbyint(u / period)); }

// Numbers that belong to cells of a grid.
class CellNumbers {
  public:
    explicit CellNumbers(Draws& draws) {
        for (float& number : numbers_) number = draws.unit();
    }
    // [0,1); `which` tells the numbers of one cell apart.
    float operator()(int i, int j, int which = 0) const {
        return numbers_[(uint32_t(i) * 73u + uint32_t(j) * 151u + uint32_t(which) * 37u) & 255u];
    }

  private:
    float numbers_[256];
};

// Turned by an angle.
struct Turn {
    float c, s;
    explicit Turn(float angle_radians) : c(cosine(angle_radians)), s(sine(angle_radians)) {}
    float u(float x, float y) const { return c * x + s * y; }
    float v(float x, float y) const { return c * y - s * x; }
};

}  // namespace limpid
