// Sprite sheets: all channels of a layer in one picture, in the layout of the article's spritemaps.
//
// Channel n lies in column n % columns, row floor(n / columns); cells without a picture are blank (white). Beside each
// sheet an index in JSON: {"layer", "columns", "cell_px", "devices": ["cpu:avx2"], "channels": {"0": {"column", "row",
// "file"}, ...}}.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "viz/batch/job_list.h"
#include "viz/batch/manifest.h"

namespace limpid {

// The network's number of columns for a layer; where it says none, the smallest square.
int64_t sprite_columns(const Net& net, const std::string& layer, int64_t channels);

struct SpriteSheet {
    std::string layer;
    int64_t channels = 0, columns = 1;     // of the layer; of the sheet
    std::map<int64_t, std::string> files;  // by channel; relative to the folder
    std::set<std::string> devices;         // that rendered them
};

// The channel of a layer that an objective is of; else nothing.
struct ShownUnit {
    std::string layer;
    int64_t channel = 0;
};
std::optional<ShownUnit> unit_of(const Objective& objective);
// That of a line of a manifest.
std::optional<ShownUnit> recorded_unit(const ManifestEntry& entry);

// The sheets of the layers that `jobs` show, all of whose jobs are finished: their pictures, and what else the manifest
// has of these layers in the settings of one of these jobs.
std::vector<SpriteSheet> sheets_of(const std::vector<Job>& jobs, const ManifestContents& contents, const Net& net);

// FOLDER/sprites/<layer>, where '/' in a layer's name is '-'.
std::string sprites_of(const std::string& folder, const std::string& layer);
// Writes the sheet, sprites_of(...).png, whose path it returns, and .json. Cells are cell_px
// square, pictures are resized into them. A sheet of more than 256 million pixels is an Error. Each picture is read
// when its cell is drawn.
std::string write_sprites(const std::string& folder, const SpriteSheet& sheet, int64_t cell_px);

}  // namespace limpid
