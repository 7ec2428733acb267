// Finds, checks and holds the pictures.
#include "tools/training_data.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "kernels/error.h"
#include "viz/image/image.h"
#include "weights/file.h"
#include "weights/idx.h"

namespace limpid {

namespace {

namespace fs = std::filesystem;

// Pictures in memory, a byte for each number.
struct Pictures {
    std::string name;
    std::vector<std::string> labels;
    int64_t height = 0, width = 0, channels = 3;
    std::vector<uint8_t> bytes;
    std::vector<int> classes;
};

Dataset dataset_of(Pictures pictures) {
    Dataset data;
    const auto held = std::make_shared<const Pictures>(std::move(pictures));
    data.name = held->name;
    data.labels = held->labels;
    data.height = held->height, data.width = held->width;
    data.size = int64_t(held->classes.size());
    data.load = [held](int64_t index, MutView image) {
        const int64_t pixels = held->height * held->width, channels = held->channels;
        const uint8_t* from = held->bytes.data() + index * pixels * channels;
        for (int64_t i = 0; i < pixels; i++)
            for (int64_t c = 0; c < 3; c++)
                image.data[i * 3 + c] = float(from[i * channels + (channels == 3 ? c : 0)]) / 255;
        return held->classes[size_t(index)];
    };
    return data;
}

// Classes have no names in these files: they are called by their numbers.
Pictures read_idx_pair(const std::string& images_file, const std::string& labels_file) {
    Pictures p;
    p.name = images_file;
    const std::vector<std::byte> image_bytes = read_file(images_file), label_bytes = read_file(labels_file);
    const IdxArray images = with_context(images_file, [&] { return read_idx(image_bytes); });
    const IdxArray labels = with_context(labels_file, [&] { return read_idx(label_bytes); });
    if (images.sizes.size() != 3 || images.sizes[0] < 1 || images.sizes[1] < 8 || images.sizes[2] < 8)
        throw Error(concat(images_file, ": has ", images.sizes.size(),
                           " axes, expected pictures, rows and columns, at least 1x8x8; is it the right file?"));
    if (labels.sizes != std::vector<int64_t>{images.sizes[0]})
        throw Error(concat(labels_file, ": does not hold one label for each of the ", images.sizes[0], " pictures of ",
                           images_file, "; are both files of one set?"));
    p.height = images.sizes[1], p.width = images.sizes[2], p.channels = 1;
    const auto* first = reinterpret_cast<const uint8_t*>(images.data.data());
    p.bytes.assign(first, first + images.data.size());
    int most = 1;
    for (const std::byte label : labels.data) {
        p.classes.push_back(int(label));
        most = std::max(most, int(label));
    }
    for (int k = 0; k <= most; k++) p.labels.push_back(std::to_string(k));
    return p;
}

bool is_picture(const fs::path& path) {
    std::string extension = path.extension().string();
    std::ranges::transform(extension, extension.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    return extension == ".png" || extension == ".jpg" || extension == ".jpeg";
}

std::vector<fs::path> sorted_entries(const std::string& folder) {
    std::vector<fs::path> entries;
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
        entries.push_back(entry->path());
    if (error)
        throw Error(
            concat(folder, ": cannot be listed (", error.message(), "), expected a folder; see limpid train --help"));
    std::ranges::sort(entries);
    return entries;
}

void add_picture(Pictures& p, const std::string& path, int label) {
    const RasterImage raster = load_raster(path);
    const HostTensor fitted = fit_photo(flat_rows(raster), p.height);
    for (const float value : fitted.values)
        p.bytes.push_back(uint8_t(std::lround(std::clamp(value, 0.0f, 1.0f) * 255)));
    p.classes.push_back(label);
}

// A folder for each class. part(i): whether the i-th picture of a class is wanted.
template <class Part>
Pictures read_folders(const std::string& folder, int64_t size, const Stop& stop, const Part& part) {
    Pictures p;
    p.name = folder;
    p.height = p.width = size;
    for (const fs::path& entry : sorted_entries(folder)) {
        if (!fs::is_directory(entry) || entry.filename().string().starts_with('.')) continue;
        int64_t number = 0;
        const int label = int(p.labels.size());
        p.labels.push_back(entry.filename().string());
        for (const fs::path& picture : sorted_entries(entry.string()))
            if (is_picture(picture) && part(number++)) {
                stop.check();
                add_picture(p, picture.string(), label);
            }
        if (number == 0)
            throw Error(
                concat(entry.string(),
                       ": holds no pictures, expected PNG or JPEG files of one class; add some or remove the folder"));
    }
    if (p.labels.size() < 2)
        throw Error(concat(folder, ": holds ", p.labels.size(),
                           " folders of pictures, expected one for each of at least two classes, or IDX files; see "
                           "limpid train --help"));
    return p;
}

constexpr const char* kIdxImages = "-images-idx3-ubyte";
constexpr const char* kIdxLabels = "-labels-idx1-ubyte";

TrainingData read_idx_folder(const std::string& data, const std::string& test) {
    const auto pair = [](const std::string& folder, const std::string& part) {
        return dataset_of(read_idx_pair(folder + "/" + part + kIdxImages, folder + "/" + part + kIdxLabels));
    };
    return {pair(data, "train"), pair(test.empty() ? data : test, "t10k")};
}

}  // namespace

TrainingData load_training_data(const std::string& data, const std::string& test, uint64_t seed, int64_t size,
                                const std::function<void(double bytes)>& check_bytes, const Stop& stop) {
    const auto check_folders = [&] {
        int64_t pictures = 0;
        for (const std::string& folder : {data, test}) {
            if (folder.empty()) continue;
            for (const fs::path& entry : sorted_entries(folder))
                if (fs::is_directory(entry))
                    pictures += std::ranges::count_if(sorted_entries(entry.string()), is_picture);
        }
        if (check_bytes)
            check_bytes(2.0 * 3 * double(size) * double(size) * double(pictures));  // they grow by doubling
    };
    TrainingData result;
    if (data == "world") {
        if (!test.empty()) throw UsageError("--test: the world has its own fresh pictures to test on; drop it");
        return {world_dataset(seed, size), world_dataset(seed + 1, size)};
    }
    if (!fs::is_directory(data))
        throw Error(concat(data,
                           ": is no folder, expected world, a folder of folders of pictures, or a folder with IDX "
                           "files; see limpid train --help"));
    if (const std::string packed = data + "/train" + kIdxImages + ".gz"; fs::exists(packed))
        throw Error(concat(packed, ": is compressed, expected plain IDX files; unpack all four (gunzip --keep)"));
    if (fs::exists(data + "/train" + kIdxImages)) {
        result = read_idx_folder(data, test);
    } else if (test.empty()) {
        check_folders();
        result.train = dataset_of(read_folders(data, size, stop, [](int64_t i) { return i % 10 != 9; }));
        result.test = dataset_of(read_folders(data, size, stop, [](int64_t i) { return i % 10 == 9; }));
    } else {
        check_folders();
        const auto all = [](int64_t) { return true; };
        result = {dataset_of(read_folders(data, size, stop, all)), dataset_of(read_folders(test, size, stop, all))};
    }
    if (result.train.labels != result.test.labels)
        throw Error(concat(result.test.name, ": has other classes than ", result.train.name,
                           ", expected the same; give a test set of the same kind"));
    if (result.test.size == 0)
        throw Error(concat(data,
                           ": has fewer than ten pictures in every class, so none is kept for the test; add pictures, "
                           "or name a --test folder"));
    return result;
}

std::vector<std::string> training_files(const std::string& data, const std::string& test) {
    std::vector<std::string> files;
    for (const std::string& folder : {data, test}) {
        if (folder == "world" || !fs::is_directory(folder)) continue;
        for (const fs::path& entry : sorted_entries(folder)) {
            if (entry.string().ends_with(kIdxImages) || entry.string().ends_with(kIdxLabels))
                files.push_back(entry.string());
            if (!fs::is_directory(entry)) continue;
            for (const fs::path& picture : sorted_entries(entry.string()))
                if (is_picture(picture)) files.push_back(picture.string());
        }
    }
    return files;
}

}  // namespace limpid
