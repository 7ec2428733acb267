// limpid sheet: many pictures as one.
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "kernels/error.h"
#include "tools/command.h"
#include "tools/interrupt.h"
#include "tools/memory_limit.h"
#include "viz/image/image.h"
#include "weights/outputs.h"

namespace limpid {

namespace {

struct SheetArguments {
    std::vector<std::string> pictures;
    std::string out = "sheet.png", max_memory;
    int64_t columns = 6, cell = 0, gap = 4;
    int quality = 90;
};

ExitStatus write_sheet(const SheetArguments& a) {
    const bool jpeg = a.out.ends_with(".jpg") || a.out.ends_with(".jpeg");
    if (!a.out.ends_with(".png") && !jpeg)
        throw UsageError(concat(a.out, ": a sheet is a PNG or a JPEG file; end the name with .png or .jpg"));
    check_outputs({a.out}, a.pictures);
    std::vector<HostTensor> pictures;
    std::vector<ConstView> views;
    const auto check_sheet = [&](double floats) {
        check_memory(a.max_memory, floats * 2 * sizeof(float), concat("a sheet of ", a.pictures.size(), " pictures"),
                     "fewer or smaller ones (--cell) need less");
    };
    if (a.cell > 0) check_sheet(3.0 * double(a.cell) * double(a.cell) * double(a.pictures.size()));
    double floats = 0;
    for (const std::string& path : a.pictures) {
        interrupt_stop().check();
        if (a.cell == 0) {
            pictures.push_back(load_flat(path));
        } else {
            const RasterImage raster = load_raster(path);
            const int64_t longest = std::max(raster.h, raster.w);
            pictures.push_back(resize(flat_rows(raster), std::max<int64_t>(1, raster.h * a.cell / longest),
                                      std::max<int64_t>(1, raster.w * a.cell / longest)));
        }
        floats += double(pictures.back().shape.size());
    }
    // Cells are as large as the largest picture.
    const auto largest = [&](int64_t Shape::*side) {
        int64_t most = 0;
        for (const HostTensor& picture : pictures) most = std::max(most, picture.shape.*side);
        return double(most + a.gap);
    };
    check_sheet(floats + 3 * largest(&Shape::h) * largest(&Shape::w) * double(pictures.size()));
    for (const HostTensor& picture : pictures) views.push_back(picture.view());
    const HostTensor sheet = tile(views, std::min<int64_t>(a.columns, int64_t(views.size())), a.gap);
    keep_results();
    jpeg ? write_jpeg(a.out, sheet.view(), a.quality) : write_png(a.out, sheet.view());
    std::cout << a.out << '\n';
    return kDone;
}

}  // namespace

Run declare_sheet(CLI::App& app) {
    const auto a = std::make_shared<SheetArguments>();
    app.add_option("PICTURE", a->pictures, "PNG or JPEG files, in order of rows; opacity is shown on white")
        ->required();
    app.add_option("-o,--out", a->out, "the sheet, .png or .jpg")->capture_default_str();
    app.add_option("--quality", a->quality, "of a JPEG")->check(CLI::Range(1, 100))->capture_default_str();
    app.add_option("--columns", a->columns, "pictures in a row")->check(CLI::Range(1, 1000))->capture_default_str();
    app.add_option("--cell", a->cell, "resize each to this many pixels; 0: as they are")
        ->check(CLI::Range(0, 8192))
        ->capture_default_str();
    app.add_option("--gap", a->gap, "pixels between")->check(CLI::Range(0, 1000))->capture_default_str();
    declare_memory_option(app, a->max_memory);
    return [a] { return write_sheet(*a); };
}

}  // namespace limpid
