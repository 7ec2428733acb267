// Photos in, results out.
#include "tools/photo_input.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "kernels/backend.h"
#include "kernels/error.h"
#include "viz/image/array_file.h"
#include "viz/image/image.h"
#include "viz/json_text.h"
#include "weights/arrays.h"
#include "weights/file.h"
#include "weights/npy.h"

namespace limpid {

void declare_photo(CLI::App& app, PhotoArguments& arguments) {
    app.add_option("PHOTO", arguments.path,
                   "a PNG or JPEG file; or values from 0 to 1 as .npy, {h,w,c}, for a network of other channels too")
        ->required();
    app.add_flag("--whole", arguments.whole, "use the picture as it is, not its resized central square");
}

HostTensor load_photo(const PhotoArguments& arguments, const Net& net) {
    const Shape image = net.image();
    if (arguments.path.ends_with(".npy")) {
        HostTensor array = load_array(arguments.path);
        if (array.shape.n != 1 || array.shape.c != image.c)
            throw Error(concat(arguments.path, ": is an array ", array.shape, ", expected one picture {h,w,", image.c,
                               "} for ", net.name));
        return arguments.whole ? array : fit_photo_to(array.view(), image.h, image.w);
    }
    if (image.c != 3)
        throw UsageError(concat(arguments.path, ": has three channels, ", net.name, " takes ", image.c,
                                "; give an array {h,w,", image.c, "} of values from 0 to 1 as .npy"));
    if (arguments.whole) return load_flat(arguments.path);
    const RasterImage raster = load_raster(arguments.path);
    return fit_photo_to(flat_rows(raster), image.h, image.w);
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
