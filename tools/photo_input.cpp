// Photos in, results out.
#include "tools/photo_input.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "kernels/backend.h"
#include "kernels/error.h"
#include "viz/image/image.h"
#include "viz/json_text.h"
#include "weights/arrays.h"
#include "weights/file.h"
#include "weights/npy.h"

namespace limpid {

void declare_photo(CLI::App& app, PhotoArguments& arguments) {
    app.add_option("PHOTO", arguments.path, "a PNG or JPEG file")->required();
    app.add_flag("--whole", arguments.whole, "use the picture as it is, not its resized central square");
}

HostTensor load_photo(const PhotoArguments& arguments, const Net& net) {
    if (arguments.whole) return load_flat(arguments.path);
    const RasterImage raster = load_raster(arguments.path);
    return fit_photo(flat_rows(raster), net.image().h);
}

HostTensor network_input(HostTensor photo, const Net& net) {
    if (net.image().c != 1 || photo.shape.c != 3) return photo;
    HostTensor grey({photo.shape.n, photo.shape.h, photo.shape.w, 1});
    // ITU-R BT.601, as libraries that read pictures as grey have it.
    for (size_t i = 0; i < grey.values.size(); i++)
        grey.values[i] =
            0.299f * photo.values[3 * i] + 0.587f * photo.values[3 * i + 1] + 0.114f * photo.values[3 * i + 2];
    return grey;
}

nlohmann::ordered_json provenance(const PhotoArguments& arguments, const HostTensor& photo, const Net& net,
                                  const Stream& stream) {
    return {{"photo", arguments.path},
            {"net", net.name},
            {"weights_checksum", net.weights->checksum},
            {"image", {photo.shape.h, photo.shape.w}},
            {"device", stream.backend().name}};
}

void check_array_file(const std::string& path, size_t arrays) {
    if (!path.ends_with(".npy") && !path.ends_with(".h5"))
        throw UsageError(concat(path, ": arrays are .npy or .h5 files; end the name so"));
    if (path.ends_with(".npy") && arrays != 1)
        throw UsageError(concat(path, ": a .npy file holds one array, these are ", arrays, "; write a .h5"));
}

void write_array_file(const std::string& path, const std::map<std::string, HostTensor>& arrays,
                      const std::map<std::string, std::string>& texts) {
    check_array_file(path, arrays.size());
    const std::vector<std::byte> bytes = with_context(
        path, [&] { return path.ends_with(".npy") ? npy_bytes(arrays.begin()->second) : write_arrays(arrays, texts); });
    write_file_atomically(path, bytes);
}

std::string json_beside(const std::string& png) {
    if (!png.ends_with(".png")) throw UsageError(concat(png, ": pictures are PNG files; end the name with .png"));
    return std::filesystem::path(png).replace_extension(".json").string();
}

void write_json(const std::string& path, const nlohmann::ordered_json& result) {
    const std::string text = to_json_text(result) + "\n";
    write_file_atomically(path, as_bytes(text));
}

}  // namespace limpid
