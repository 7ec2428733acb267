// limpid sheet: many pictures as one.
#include <CLI/CLI.hpp>
#include <deque>
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

// One of the pictures: as it is in its file, or resized.
struct Cell {
    RasterImage raster;
    HostTensor resized;
    PictureRows rows() const { return resized.values.empty() ? flat_rows(raster) : rows_of(resized.view()); }
};

Shape fitted(int64_t h, int64_t w, int64_t cell) {
    if (cell == 0) return {1, h, w, 3};
    const int64_t longest = std::max(h, w);
    return {1, std::max<int64_t>(1, h * cell / longest), std::max<int64_t>(1, w * cell / longest), 3};
}

// Memory for all of the sheet is asked for before the first picture is decoded.
void check_sheet(const SheetArguments& a) {
    double kept = 0, largest = 0, h = 0, w = 0;
    for (const std::string& path : a.pictures) {
        const PictureHeader header = peek_picture(path);
        const Shape shape = fitted(header.h, header.w, a.cell);
        kept += a.cell == 0 ? double(header.raster_bytes) : double(shape.size()) * sizeof(float);
        largest = std::max(largest, double(header.bytes()));
        h = std::max(h, double(shape.h + a.gap)), w = std::max(w, double(shape.w + a.gap));
    }
    // The samples of the sheet, the encoder's filtered copy of them, and the file.
    check_memory(a.max_memory, kept + largest + 3 * 3 * h * w * double(a.pictures.size()),
                 concat("a sheet of ", a.pictures.size(), " pictures"), "fewer or smaller ones (--cell) need less");
}

ExitStatus write_sheet(const SheetArguments& a) {
    const bool jpeg = a.out.ends_with(".jpg") || a.out.ends_with(".jpeg");
    if (!a.out.ends_with(".png") && !jpeg)
        throw UsageError(concat(a.out, ": a sheet is a PNG or a JPEG file; end the name with .png or .jpg"));
    check_outputs({a.out}, a.pictures);
    check_sheet(a);
    std::deque<Cell> cells;  // whose rows stay where they are
    std::vector<PictureRows> rows;
    for (const std::string& path : a.pictures) {
        interrupt_stop().check();
        Cell& cell = cells.emplace_back(Cell{load_raster(path), {}});
        if (a.cell > 0) {
            const Shape shape = fitted(cell.raster.h, cell.raster.w, a.cell);
            cell.resized = resize(flat_rows(cell.raster), shape.h, shape.w);
            cell.raster = {};
        }
        rows.push_back(cell.rows());
    }
    const PictureRows sheet = tile_rows(rows, std::min<int64_t>(a.columns, int64_t(rows.size())), a.gap);
    keep_results();
    jpeg ? write_jpeg(a.out, sheet, a.quality) : write_png(a.out, sheet);
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
