// limpid sheet: many pictures as one.
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "kernels/error.h"
#include "tools/command.h"
#include "viz/image/image.h"

namespace limpid {

namespace {

struct SheetArguments {
    std::vector<std::string> pictures;
    std::string out = "sheet.png";
    int64_t columns = 6, cell = 0, gap = 4;
};

ExitStatus write_sheet(const SheetArguments& a) {
    if (!a.out.ends_with(".png")) throw UsageError(concat(a.out, ": pictures are PNG files; end the name with .png"));
    std::vector<HostTensor> pictures;
    std::vector<ConstView> views;
    for (const std::string& path : a.pictures) {
        const HostTensor picture = flatten(load_image(path));
        const int64_t longest = std::max(picture.shape.h, picture.shape.w);
        pictures.push_back(a.cell == 0
                               ? picture
                               : resize(picture.view(), std::max<int64_t>(1, picture.shape.h * a.cell / longest),
                                        std::max<int64_t>(1, picture.shape.w * a.cell / longest)));
    }
    for (const HostTensor& picture : pictures) views.push_back(picture.view());
    write_png(a.out, tile(views, std::min<int64_t>(a.columns, int64_t(views.size())), a.gap).view());
    std::cout << a.out << '\n';
    return kDone;
}

}  // namespace

Run declare_sheet(CLI::App& app) {
    const auto a = std::make_shared<SheetArguments>();
    app.add_option("PICTURE", a->pictures, "PNG or JPEG files, in order of rows; opacity is shown on white")
        ->required();
    app.add_option("-o,--out", a->out, "the sheet")->capture_default_str();
    app.add_option("--columns", a->columns, "pictures in a row")->check(CLI::Range(1, 1000))->capture_default_str();
    app.add_option("--cell", a->cell, "resize each to this many pixels; 0: as they are")
        ->check(CLI::Range(0, 8192))
        ->capture_default_str();
    app.add_option("--gap", a->gap, "pixels between")->check(CLI::Range(0, 1000))->capture_default_str();
    return [a] { return write_sheet(*a); };
}

}  // namespace limpid
