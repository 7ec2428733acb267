// Samples to floats.
#include "viz/image/raster.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "viz/image/image.h"

namespace limpid {

namespace {

float sample(const RasterImage& raster, int64_t i) {
    return raster.deep.empty() ? float(raster.flat[size_t(i)]) / 255.0f : float(raster.deep[size_t(i)]) / 65535.0f;
}

PictureRows rgb_rows(const RasterImage& raster, std::optional<float> background) {
    const auto row = std::make_shared<std::vector<float>>(size_t(raster.w) * 3);
    return {{1, raster.h, raster.w, 3}, [=, &raster](int64_t, int64_t y) -> const float* {
                const int channels = raster.channels;
                float* to = row->data();
                for (int64_t x = 0, i = y * raster.w * channels; x < raster.w; x++, i += channels)
                    for (int c = 0; c < 3; c++, to++) {
                        *to = sample(raster, channels >= 3 ? i + c : i);
                        if (!background || !raster.has_alpha()) continue;
                        const float alpha = sample(raster, i + channels - 1);
                        *to = alpha * *to + (1.0f - alpha) * *background;
                    }
                return row->data();
            }};
}

}  // namespace

PictureRows colour_rows(const RasterImage& raster) { return rgb_rows(raster, std::nullopt); }

PictureRows flat_rows(const RasterImage& raster, float background) { return rgb_rows(raster, background); }

PictureRows alpha_rows(const RasterImage& raster) {
    const auto row = std::make_shared<std::vector<float>>(size_t(raster.w), 1.0f);
    return {{1, raster.h, raster.w, 1}, [=, &raster](int64_t, int64_t y) -> const float* {
                for (int64_t x = 0; raster.has_alpha() && x < raster.w; x++)
                    (*row)[size_t(x)] = sample(raster, (y * raster.w + x + 1) * raster.channels - 1);
                return row->data();
            }};
}

PictureRows rows_of(ConstView pictures) {
    const auto row = std::make_shared<std::vector<float>>(size_t(pictures.shape.w * pictures.shape.c));
    return {pictures.shape, [=](int64_t n, int64_t y) -> const float* {
                if (pictures.dense()) return pictures.pixel(n, y, 0);
                for (int64_t x = 0; x < pictures.shape.w; x++)
                    std::copy_n(pictures.pixel(n, y, x), pictures.shape.c, row->data() + x * pictures.shape.c);
                return row->data();
            }};
}

HostTensor picture_of(const PictureRows& rows) {
    const Shape s = rows.shape;
    HostTensor picture(s);
    for (int64_t n = 0; n < s.n; n++)
        for (int64_t y = 0; y < s.h; y++) std::copy_n(rows.row(n, y), s.w * s.c, &picture.at(n, y, 0, 0));
    return picture;
}

HostTensor flatten(const Image& image, float background) {
    HostTensor flat = image.rgb;
    for (size_t i = 0; i < image.alpha.values.size(); i++) {
        const float alpha = image.alpha.values[i];
        for (size_t c = 0; c < 3; c++) {
            float& value = flat.values[i * 3 + c];
            value = alpha * value + (1.0f - alpha) * background;
        }
    }
    return flat;
}

}  // namespace limpid
