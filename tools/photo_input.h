// Commands that look at a photo: its options, how it becomes a network's input, what a result says about where it comes
// from.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "nets/net.h"

namespace CLI {
class App;
}

namespace limpid {

struct PhotoArguments {
    std::string path;
    bool whole = false;
};

void declare_photo(CLI::App& app, PhotoArguments& arguments);

// {1,h,w,c}, as the network takes it: transparency over white, then resized and cut to the network's size in the middle,
// unless the whole photo was asked for.
HostTensor load_photo(const PhotoArguments& arguments, const Net& net);

// The first fields of every result: photo, net, weights_checksum, image [height, width], device.
nlohmann::ordered_json provenance(const PhotoArguments& arguments, const HostTensor& photo, const Net& net,
                                  const Stream& stream);

// Arrays for other programs, atomically: a .npy (then there must be one array) or a .h5 with texts.
void write_array_file(const std::string& path, const std::map<std::string, HostTensor>& arrays,
                      const std::map<std::string, std::string>& texts);
// Throws UsageError unless `path` ends in one of them; arrays: how many the file must hold.
void check_array_file(const std::string& path, size_t arrays);
// "dir/name.png" -> "dir/name.json". Throws UsageError unless `path` ends with .png.
std::string json_beside(const std::string& png);
// result.dump and a newline, atomically.
void write_json(const std::string& path, const nlohmann::ordered_json& result);

}  // namespace limpid
