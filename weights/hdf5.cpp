// The container of converted weights: HDF5, with a digest of the whole after it.
//
// Layout (format_version 1): attributes of the root group describe the file; /tensors/<name> is one contiguous
// little-endian float32 or float16 dataset of four axes; /labels is an array of fixed-length UTF-8 strings. In
// format_version 2, /network is an array of one such string, the text of the network, which says what the attributes
// preprocessing_* of version 1 say. The last 80 bytes of the file, which HDF5 ignores, are "LIMPID-SHA256 <64 hexadecimal digits> \n" over everything before them:
// damage anywhere is seen. Files are made in memory by libhdf5, and read by hdf5_structure.h.
#include <hdf5.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <mutex>

#include "weights/arrays.h"
#include "weights/half.h"
#include "weights/hdf5_structure.h"
#include "weights/parameters.h"
#include "weights/readers.h"
#include "weights/sha256.h"

namespace limpid {
namespace {

constexpr int kFormatVersion = 1, kVersionWithNetwork = 2;
constexpr std::string_view kFormat = "limpid weights";
constexpr std::string_view kTrailerStart = "LIMPID-SHA256 ";
constexpr size_t kTrailerBytes = kTrailerStart.size() + 64 + 2;
constexpr int64_t kMostLabels = 100000;
constexpr size_t kLongestText = 32768, kLongestNetwork = size_t(4) << 20;

// The library wants a file name even for files in memory. This one cannot exist.
constexpr const char* kNoFile = "/dev/null/weights";

// libhdf5 keeps global state and may be built without locks.
std::mutex library_mutex;

// The library prints its error stack by default; ours goes into the exception.
class SilencedErrors {
  public:
    SilencedErrors() {
        H5Eget_auto2(H5E_DEFAULT, &function_, &data_);
        H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    }
    ~SilencedErrors() { H5Eset_auto2(H5E_DEFAULT, function_, data_); }
    SilencedErrors(const SilencedErrors&) = delete;
    SilencedErrors& operator=(const SilencedErrors&) = delete;

  private:
    H5E_auto2_t function_ = nullptr;
    void* data_ = nullptr;
};

// The innermost message of the library's error stack.
std::string library_error() {
    std::string text = "no details";
    const auto keep_first = [](unsigned depth, const H5E_error2_t* error, void* result) -> herr_t {
        if (depth == 0 && error->desc != nullptr) *static_cast<std::string*>(result) = error->desc;
        return 0;
    };
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, &text);
    return text;
}

template <class Result>
Result checked(Result result, const std::string& what) {
    if (result < 0)
        throw Error(concat(what, ": libhdf5 fails (", library_error(),
                           "), expected it to store weights; is there memory left?"));
    return result;
}

class Handle {
  public:
    using Close = herr_t (*)(hid_t);
    Handle(hid_t id, Close close, const std::string& what) : id_(checked(id, what)), close_(close) {}
    Handle(Handle&& other) : id_(std::exchange(other.id_, H5I_INVALID_HID)), close_(other.close_) {}
    ~Handle() {
        if (id_ >= 0) close_(id_);
    }
    operator hid_t() const { return id_; }

  private:
    hid_t id_;
    Close close_;
};

Handle string_type(size_t size) {
    Handle type(H5Tcopy(H5T_C_S1), H5Tclose, "string type");
    checked(H5Tset_size(type, std::max<size_t>(size, 1)), "string type");
    checked(H5Tset_strpad(type, H5T_STR_NULLPAD), "string type");
    checked(H5Tset_cset(type, H5T_CSET_UTF8), "string type");
    return type;
}

// Writing -----------------------------------------------------------------------------------------

void write_attribute(hid_t object, const char* name, hid_t file_type, hid_t memory_type, hsize_t count,
                     const void* values) {
    const Handle space(count == 1 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &count, nullptr), H5Sclose, name);
    const Handle attribute(H5Acreate2(object, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose, name);
    checked(H5Awrite(attribute, memory_type, values), name);
}

void write_text(hid_t object, const char* name, const std::string& text) {
    if (text.size() > kLongestText || text.find('\0') != text.npos) {
        throw Error(concat(name, ": text of ", text.size(),
                           " bytes, or with a zero byte, expected a short plain text; shorten it"));
    }
    const Handle type = string_type(text.size());
    const std::string padded = text.empty() ? std::string(1, '\0') : text;
    write_attribute(object, name, type, type, 1, padded.data());
}

// No time stamps: the same weights make the same bytes.
Handle dataset_properties() {
    Handle properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "dataset properties");
    checked(H5Pset_obj_track_times(properties, false), "dataset properties");
    checked(H5Pset_layout(properties, H5D_CONTIGUOUS), "dataset properties");
    return properties;
}

// IEEE 754 binary16, which libhdf5 has no name for.
Handle half_type() {
    Handle type(H5Tcopy(H5T_IEEE_F32LE), H5Tclose, "half type");
    checked(H5Tset_fields(type, 15, 10, 5, 0, 10), "half type");
    checked(H5Tset_size(type, 2), "half type");
    checked(H5Tset_ebias(type, 15), "half type");
    return type;
}

std::vector<uint16_t> halves_of(const std::string& name, const HostTensor& tensor) {
    std::vector<uint16_t> halves;
    for (const float value : tensor.values) {
        halves.push_back(to_half(value));
        if (std::bit_cast<uint32_t>(from_half(halves.back())) != std::bit_cast<uint32_t>(value))
            throw Error(concat(name, ": half precision cannot hold ", value,
                               "; round the weights first, or store them as float32"));
    }
    return halves;
}

void write_tensor(hid_t group, const std::string& name, const HostTensor& tensor, Storage storage = Storage::float32) {
    if (name.empty() || name == "." || name.find('/') != name.npos || name.find('\0') != name.npos ||
        tensor.values.empty()) {
        throw Error(concat("tensor ", printable(name), " ", tensor.shape,
                           ": cannot be stored, expected a name without '/' and at least one value"));
    }
    const hsize_t sizes[4] = {hsize_t(tensor.shape.n), hsize_t(tensor.shape.h), hsize_t(tensor.shape.w),
                              hsize_t(tensor.shape.c)};
    const Handle space(H5Screate_simple(4, sizes, nullptr), H5Sclose, name);
    const Handle properties = dataset_properties();
    if (storage == Storage::float16) {
        const Handle type = half_type();
        const std::vector<uint16_t> halves = halves_of(name, tensor);
        const Handle dataset(H5Dcreate2(group, name.c_str(), type, space, H5P_DEFAULT, properties, H5P_DEFAULT),
                             H5Dclose, name);
        checked(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, halves.data()), name);
        return;
    }
    const Handle dataset(H5Dcreate2(group, name.c_str(), H5T_IEEE_F32LE, space, H5P_DEFAULT, properties, H5P_DEFAULT),
                         H5Dclose, name);
    checked(H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, tensor.values.data()), name);
}

// An array of strings, as long as the longest of them.
void write_texts(hid_t file, const std::string& name, const std::vector<std::string>& texts, size_t most_bytes,
                 const char* what) {
    size_t longest = 1;
    for (const std::string& text : texts) {
        if (text.find('\0') != text.npos || text.size() > most_bytes) {
            throw Error(concat(what, " ", printable(text),
                               ": too long or with a zero byte, expected a short plain text; correct the ",
                               name == "labels" ? "label list" : what));
        }
        longest = std::max(longest, text.size());
    }
    std::string table(longest * texts.size(), '\0');
    for (size_t i = 0; i < texts.size(); ++i) texts[i].copy(table.data() + i * longest, longest);
    const hsize_t count = texts.size();
    const Handle type = string_type(longest), space(H5Screate_simple(1, &count, nullptr), H5Sclose, name),
                 properties = dataset_properties();
    const Handle dataset(H5Dcreate2(file, name.c_str(), type, space, H5P_DEFAULT, properties, H5P_DEFAULT), H5Dclose,
                         name);
    checked(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, table.data()), name);
}

// A file made in memory, as bytes: the original format, which hdf5_structure.h and every version of every tool read;
// without times, so that the same content has the same bytes.
template <class Fill>
std::vector<std::byte> file_image(const Fill& fill) {
    const std::lock_guard lock(library_mutex);
    const SilencedErrors silenced;
    const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "file access");
    checked(H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST), "file access");
    checked(H5Pset_fapl_core(access, 1 << 22, false), "file access");  // grown by 4 MiB
    const Handle creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose, "file creation");
    checked(H5Pset_obj_track_times(creation, false), "file creation");
    const Handle file(H5Fcreate(kNoFile, H5F_ACC_TRUNC, creation, access), H5Fclose, "file");
    fill(file);
    checked(H5Fflush(file, H5F_SCOPE_GLOBAL), "file");
    const ssize_t size = checked(H5Fget_file_image(file, nullptr, 0), "file image");
    std::vector<std::byte> bytes(static_cast<size_t>(size));
    checked(H5Fget_file_image(file, bytes.data(), bytes.size()), "file image");
    return bytes;
}

std::string trailer_for(Bytes image) {
    std::string trailer = concat(kTrailerStart, sha256_of(image));
    trailer.resize(kTrailerBytes, ' ');
    trailer.back() = '\n';
    return trailer;
}

// Reading -----------------------------------------------------------------------------------------

const Hdf5Values& attribute(const Hdf5Object& object, const char* name, Hdf5Type::Kind kind, int64_t count) {
    const auto it = object.attributes.find(name);
    if (it == object.attributes.end()) throw Error(concat("attribute ", name, ": is missing, expected it"));
    if (it->second.type.kind != kind || checked_size(it->second.sizes) != count) {
        throw Error(concat("attribute ", name, ": is of another type or shape than expected"));
    }
    return it->second;
}

std::string read_text(const Hdf5Object& object, const char* name) {
    const std::string_view padded = as_text(attribute(object, name, Hdf5Type::Kind::text, 1).data);
    return std::string(padded.substr(0, padded.find('\0')));
}

void read_floats(const Hdf5Object& object, const char* name, float* values, int64_t count) {
    std::memcpy(values, attribute(object, name, Hdf5Type::Kind::float32, count).data.data(),
                size_t(count) * sizeof(float));
}

void read_integers(const Hdf5Object& object, const char* name, int32_t* values, int64_t count) {
    std::memcpy(values, attribute(object, name, Hdf5Type::Kind::int32, count).data.data(),
                size_t(count) * sizeof(int32_t));
}

uint64_t child(const Hdf5Object& group, const char* name) {
    const auto it = group.children.find(name);
    if (it == group.children.end()) throw Error(concat(name, ": is missing, expected it"));
    return it->second;
}

// Every child of /tensors. Names of one array make copies of it, so their sum is held against what the file can hold.
void read_tensors(Bytes file, uint64_t address, std::map<std::string, HostTensor>& tensors, Problems& problems) {
    const Hdf5Object group = read_hdf5_object(file, address);
    if (!group.is_group) throw Error("tensors: is no group, expected one");
    uint64_t room_bytes = file.size();
    for (const auto& [name, place] : group.children) {
        const Hdf5Object object = with_context(printable(name), [&, at = place] { return read_hdf5_object(file, at); });
        const Hdf5Values& values = object.values;
        const bool half = values.type.kind == Hdf5Type::Kind::float16;
        if (!object.is_dataset || (!half && values.type.kind != Hdf5Type::Kind::float32) || values.sizes.size() != 4) {
            problems.add(concat(printable(name), " is no float32 or float16 dataset of four axes"));
            continue;
        }
        if (values.data.size() > room_bytes) {
            throw Error(
                concat(printable(name), ": the arrays are larger than the file, expected each to have its own place"));
        }
        room_bytes -= values.data.size();
        HostTensor tensor({values.sizes[0], values.sizes[1], values.sizes[2], values.sizes[3]});
        if (half) {
            ByteCursor cursor(values.data);
            for (float& value : tensor.values) value = from_half(cursor.take_number<uint16_t>());
        } else {
            std::memcpy(tensor.values.data(), values.data.data(), values.data.size());
        }
        tensors.emplace(name, std::move(tensor));
    }
}

std::vector<std::string> read_texts(Bytes file, const Hdf5Object& root, const char* name, int64_t most,
                                    size_t most_bytes) {
    const Hdf5Values values = with_context(name, [&] { return read_hdf5_object(file, child(root, name)); }).values;
    if (values.type.kind != Hdf5Type::Kind::text || values.sizes.size() != 1 || values.sizes[0] > most) {
        throw Error(
            concat(name, ": shape ", shape_text(values.sizes), ", expected at most ", most, " texts of fixed length"));
    }
    const size_t longest = values.type.size_bytes;
    if (longest > most_bytes)
        throw Error(concat(name, ": texts of ", longest, " bytes, expected at most ", most_bytes));
    std::vector<std::string> texts;
    for (int64_t i = 0; i < values.sizes[0]; ++i) {
        const std::string_view padded = as_text(values.data.subspan(size_t(i) * longest, longest));
        texts.emplace_back(padded.substr(0, padded.find('\0')));
    }
    return texts;
}

std::string read_network(Bytes file, const Hdf5Object& root) {
    const std::vector<std::string> texts = read_texts(file, root, "network", 1, kLongestNetwork);
    if (texts.size() != 1 || texts[0].empty()) throw Error("network: is empty, expected the text of the network");
    return texts[0];
}

Bytes verified_image(Bytes file) {
    if (file.size() < kTrailerBytes || !as_text(file.last(kTrailerBytes)).starts_with(kTrailerStart)) {
        throw Error(
            "no digest at the end, expected a file as limpid writes it; it is cut short, or comes from another "
            "program");
    }
    const Bytes image = file.first(file.size() - kTrailerBytes);
    if (as_text(file.last(kTrailerBytes)) != trailer_for(image)) {
        throw Error(
            "the digest at its end is not that of its contents, expected the same; the file was damaged or changed");
    }
    return image;
}

void check_preprocessing(const Preprocessing& p, Problems& problems) {
    std::array<bool, 3> seen{};
    for (const int channel : p.source) {
        if (channel < 0 || channel > 2)
            problems.add(concat("preprocessing_source has channel ", channel, ", expected 0 to 2"));
        else if (std::exchange(seen[size_t(channel)], true))
            problems.add(concat("preprocessing_source has channel ", channel, " twice, expected each once"));
    }
    for (const float value : {p.scale, p.mean[0], p.mean[1], p.mean[2]})
        if (!std::isfinite(value))
            problems.add(concat("preprocessing has the value ", value, ", expected finite numbers"));
}

int64_t not_finite(const HostTensor& tensor) {
    return std::ranges::count_if(tensor.values, [](float value) { return !std::isfinite(value); });
}

Weights read_image(Bytes bytes) {
    const Bytes file = verified_image(bytes);
    const Hdf5Object root = read_hdf5_object(file, hdf5_root(file));
    if (const std::string format = read_text(root, "format"); format != kFormat) {
        throw Error(
            concat("format is ", printable(format), ", expected ", kFormat, "; is this another program's file?"));
    }
    int32_t version = 0;
    read_integers(root, "format_version", &version, 1);
    const int expected = root.children.count("network") != 0 ? kVersionWithNetwork : kFormatVersion;
    if (version != expected) {
        throw Error(
            concat("format version ", version, ", expected ", expected, "; another version of limpid wrote it"));
    }
    Weights weights;
    weights.variant = read_text(root, "variant");
    weights.source = read_text(root, "source");
    weights.source_sha256 = read_text(root, "source_sha256");
    weights.checksum = read_text(root, "checksum");
    Problems problems;
    if (version == kVersionWithNetwork) {
        weights.network = read_network(file, root);
    } else {
        read_integers(root, "preprocessing_source", weights.preprocessing.source.data(), 3);
        read_floats(root, "preprocessing_scale", &weights.preprocessing.scale, 1);
        read_floats(root, "preprocessing_mean", weights.preprocessing.mean.data(), 3);
        check_preprocessing(weights.preprocessing, problems);
    }
    if (root.children.count("labels") != 0)
        weights.labels = read_texts(file, root, "labels", kMostLabels, std::string::npos);
    read_tensors(file, child(root, "tensors"), weights.tensors, problems);
    if (const std::string sum = checksum_of(weights.tensors); problems.empty() && sum != weights.checksum) {
        problems.add(concat("checksum of the tensors is ", sum, ", the file says ", printable(weights.checksum)));
    }
    for (const auto& [name, tensor] : weights.tensors) {
        if (const int64_t bad = not_finite(tensor); bad > 0)
            problems.add(concat(printable(name), " has ", bad, " values that are not finite numbers"));
    }
    problems.throw_if_any("expected a file as limpid writes it");
    return weights;
}

}  // namespace

std::string checksum_of(const std::map<std::string, HostTensor>& tensors) {
    Hasher hasher;
    for (const auto& [name, tensor] : tensors) {
        hasher.add(concat(name, "\n", tensor.shape, "\n"));
        hasher.add(std::as_bytes(std::span(tensor.values)));
    }
    return hasher.text();
}

std::vector<std::byte> write_hdf5(const Weights& weights, Storage storage) {
    for (const auto& [name, tensor] : weights.tensors) {
        if (const int64_t bad = not_finite(tensor); bad > 0)
            throw Error(concat(name, ": ", bad,
                               " values are not finite numbers, expected weights that can be used; was the "
                               "learning rate too high?"));
    }
    std::vector<std::byte> bytes = file_image([&](const Handle& file) {
        write_text(file, "format", std::string(kFormat));
        const int version = weights.network.empty() ? kFormatVersion : kVersionWithNetwork;
        write_attribute(file, "format_version", H5T_STD_I32LE, H5T_NATIVE_INT, 1, &version);
        write_text(file, "variant", weights.variant);
        write_text(file, "source", weights.source);
        write_text(file, "source_sha256", weights.source_sha256);
        write_text(file, "checksum", checksum_of(weights.tensors));
        if (weights.network.empty()) {
            const Preprocessing& p = weights.preprocessing;
            write_attribute(file, "preprocessing_source", H5T_STD_I32LE, H5T_NATIVE_INT, 3, p.source.data());
            write_attribute(file, "preprocessing_scale", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 1, &p.scale);
            write_attribute(file, "preprocessing_mean", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 3, p.mean.data());
        } else {
            write_texts(file, "network", {weights.network}, kLongestNetwork, "network");
        }
        if (!weights.labels.empty()) write_texts(file, "labels", weights.labels, kLongestText, "label");
        const Handle properties(H5Pcreate(H5P_GROUP_CREATE), H5Pclose, "tensors");
        checked(H5Pset_obj_track_times(properties, false), "tensors");
        const Handle group(H5Gcreate2(file, "tensors", H5P_DEFAULT, properties, H5P_DEFAULT), H5Gclose, "tensors");
        for (const auto& [name, tensor] : weights.tensors) write_tensor(group, name, tensor, storage);
    });
    const std::string trailer = trailer_for(bytes);
    bytes.insert(bytes.end(), as_bytes(trailer).begin(), as_bytes(trailer).end());
    return bytes;
}

std::vector<std::byte> write_arrays(const std::map<std::string, HostTensor>& arrays,
                                    const std::map<std::string, std::string>& texts) {
    return file_image([&](const Handle& file) {
        for (const auto& [name, text] : texts) write_text(file, name.c_str(), text);
        for (const auto& [name, array] : arrays) write_tensor(file, name, array);
    });
}

Weights read_hdf5(Bytes bytes, std::string_view remedy) {
    try {
        return read_image(bytes);
    } catch (const Error& error) {
        throw Error(concat(error.what(), "; ", remedy));
    }
}

}  // namespace limpid
