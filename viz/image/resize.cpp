// Resampling, cropping and contact sheets.
#include <algorithm>
#include <cmath>
#include <memory>

#include "kernels/error.h"
#include "viz/image/image.h"

namespace limpid {

namespace {

// The input samples [first, first + weights.size()) that make one output sample; the weights add up to 1.
struct Tap {
    int64_t first = 0;
    std::vector<float> weights;
};

// Outputs [begin, begin + count) of the triangle filter from `in` samples to `out`: output i is centred at (i + 1/2) *
// in/out, and reaches one input sample to each side, or in/out of them when that is more.
std::vector<Tap> triangle_taps(int64_t in, int64_t out, int64_t begin, int64_t count) {
    const double step = double(in) / double(out), reach = std::max(step, 1.0);
    std::vector<Tap> taps(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; i++) {
        const double centre = (double(begin + i) + 0.5) * step;
        const auto first = std::max<int64_t>(0, int64_t(std::floor(centre - reach)));
        const auto last = std::min<int64_t>(in - 1, int64_t(std::ceil(centre + reach)));
        std::vector<double> weights;
        double sum = 0;
        for (int64_t j = first; j <= last; j++) {
            weights.push_back(std::max(0.0, 1.0 - std::abs(double(j) + 0.5 - centre) / reach));
            sum += weights.back();
        }
        taps[size_t(i)].first = first;
        for (const double weight : weights) taps[size_t(i)].weights.push_back(float(weight / sum));
    }
    return taps;
}

// One output pixel for every pair of taps.
HostTensor resample(const PictureRows& picture, const std::vector<Tap>& rows, const std::vector<Tap>& columns) {
    const Shape s = picture.shape;
    const auto h = int64_t(rows.size()), w = int64_t(columns.size());
    // Along x first, and only the rows that are needed afterwards: what is read together lies together.
    const int64_t top = rows.front().first, needed = rows.back().first + int64_t(rows.back().weights.size()) - top;
    HostTensor wide({s.n, needed, w, s.c}), result({s.n, h, w, s.c});
    for (int64_t n = 0; n < s.n; n++) {
        for (int64_t y = 0; y < needed; y++) {
            const float* row = picture.row(n, top + y);
            for (int64_t q = 0; q < w; q++) {
                const Tap& tap = columns[size_t(q)];
                for (int64_t c = 0; c < s.c; c++) {
                    double sum = 0;
                    for (size_t j = 0; j < tap.weights.size(); j++)
                        sum += double(tap.weights[j]) * row[(tap.first + int64_t(j)) * s.c + c];
                    wide.at(n, y, q, c) = float(sum);
                }
            }
        }
        for (int64_t p = 0; p < h; p++) {
            const Tap& tap = rows[size_t(p)];
            for (int64_t q = 0; q < w; q++)
                for (int64_t c = 0; c < s.c; c++) {
                    double sum = 0;
                    for (size_t j = 0; j < tap.weights.size(); j++)
                        sum += double(tap.weights[j]) * wide.at(n, tap.first - top + int64_t(j), q, c);
                    result.at(n, p, q, c) = float(sum);
                }
        }
    }
    return result;
}

}  // namespace

HostTensor resize(const PictureRows& picture, int64_t h, int64_t w) {
    const Shape s = picture.shape;
    require(s.h > 0 && s.w > 0 && h > 0 && w > 0, "cannot resize ", s, " to ", h, "x", w, ", expected at least 1x1");
    return resample(picture, triangle_taps(s.h, h, 0, h), triangle_taps(s.w, w, 0, w));
}

HostTensor resize(ConstView picture, int64_t h, int64_t w) { return resize(rows_of(picture), h, w); }

HostTensor crop_centre(ConstView picture, int64_t h, int64_t w) {
    const Shape s = picture.shape;
    require(h > 0 && w > 0 && h <= s.h && w <= s.w, "cannot crop ", s, " to ", h, "x", w, ", expected a part of it");
    const int64_t top = (s.h - h) / 2, left = (s.w - w) / 2;
    HostTensor result({s.n, h, w, s.c});
    for (int64_t n = 0; n < s.n; n++)
        for (int64_t y = 0; y < h; y++)
            for (int64_t x = 0; x < w; x++) {
                const float* from = picture.pixel(n, top + y, left + x);
                std::copy(from, from + s.c, result.view().pixel(n, y, x));
            }
    return result;
}

namespace {

// The central h x w of the photo, resized until it covers tall x wide.
HostTensor central_part(const PictureRows& photo, int64_t h, int64_t w, int64_t tall, int64_t wide) {
    const Shape s = photo.shape;
    const double scale = std::max(double(tall) / double(s.h), double(wide) / double(s.w));
    const int64_t height = std::max<int64_t>(tall, std::llround(double(s.h) * scale));
    const int64_t width = std::max<int64_t>(wide, std::llround(double(s.w) * scale));
    // Only what the crop keeps is computed: the long side of a panorama may be enormous.
    return resample(photo, triangle_taps(s.h, height, (height - h) / 2, h),
                    triangle_taps(s.w, width, (width - w) / 2, w));
}

// ImageNet's 256 for 224.
int64_t uncropped(int64_t size) { return (size * 8 + 3) / 7; }

}  // namespace

HostTensor fit_photo(const PictureRows& photo, int64_t size, int64_t short_side) {
    const Shape s = photo.shape;
    if (short_side == 0) short_side = s.h == size && s.w == size ? size : uncropped(size);
    require(s.h > 0 && s.w > 0 && size > 0 && short_side >= size, "cannot fit ", s, " to ", size,
            " with a short side of ", short_side, ", expected a short side of at least that size");
    return central_part(photo, size, size, short_side, short_side);
}

HostTensor fit_photo(ConstView photo, int64_t size, int64_t short_side) {
    return fit_photo(rows_of(photo), size, short_side);
}

HostTensor fit_photo_to(const PictureRows& photo, int64_t h, int64_t w) {
    const Shape s = photo.shape;
    require(s.h > 0 && s.w > 0 && h > 0 && w > 0, "cannot fit ", s, " to ", h, "x", w, ", expected a size of both");
    return s.h == h && s.w == w ? central_part(photo, h, w, h, w)
                                : central_part(photo, h, w, uncropped(h), uncropped(w));
}

HostTensor fit_photo_to(ConstView photo, int64_t h, int64_t w) { return fit_photo_to(rows_of(photo), h, w); }

PictureRows tile_rows(std::vector<PictureRows> pictures, int64_t columns, int64_t gap, float background) {
    require(!pictures.empty() && columns > 0 && gap >= 0, "a sheet of ", pictures.size(), " pictures in ", columns,
            " columns with gaps of ", gap, ", expected at least one of both and no negative gap");
    Shape cell{1, 0, 0, pictures[0].shape.c};
    for (const PictureRows& picture : pictures) {
        require(picture.shape.n == 1 && picture.shape.c == cell.c, "a sheet with a picture of ", picture.shape,
                ", expected one image of ", cell.c, " channels");
        cell.h = std::max(cell.h, picture.shape.h);
        cell.w = std::max(cell.w, picture.shape.w);
    }
    const auto count = int64_t(pictures.size());
    columns = std::min(columns, count);
    const int64_t rows = (count + columns - 1) / columns;
    const Shape sheet{1, rows * (cell.h + gap) + gap, columns * (cell.w + gap) + gap, cell.c};
    const auto row = std::make_shared<std::vector<float>>(size_t(sheet.w * sheet.c));
    return {sheet, [=, pictures = std::move(pictures)](int64_t, int64_t y) -> const float* {
                std::ranges::fill(*row, background);
                const int64_t first = y / (cell.h + gap) * columns;
                for (int64_t i = first; i < std::min(count, first + columns); i++) {
                    const Shape s = pictures[size_t(i)].shape;
                    const int64_t top = gap + i / columns * (cell.h + gap) + (cell.h - s.h) / 2;
                    const int64_t left = gap + i % columns * (cell.w + gap) + (cell.w - s.w) / 2;
                    if (y >= top && y < top + s.h)
                        std::copy_n(pictures[size_t(i)].row(0, y - top), s.w * s.c, row->data() + left * s.c);
                }
                return row->data();
            }};
}

HostTensor tile(const std::vector<ConstView>& pictures, int64_t columns, int64_t gap, float background) {
    std::vector<PictureRows> rows;
    for (const ConstView& picture : pictures) rows.push_back(rows_of(picture));
    return picture_of(tile_rows(std::move(rows), columns, gap, background));
}

}  // namespace limpid
