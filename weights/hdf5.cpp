// The container of converted weights: HDF5, made and read in memory through the C library, with a digest of the whole
// behind it.
//
// Layout (format_version 1): attributes of the root group describe the file; /tensors/<name> is one contiguous
// little-endian float32 dataset of four axes; /labels is an array of fixed-length UTF-8 strings. The last 80 bytes of
// the file, which HDF5 ignores, are "LIMPID-SHA256 <64 hexadecimal digits>\n" over everything before them. libhdf5 is
// not hardened against malformed files, so load refuses a file whose digest is wrong before the library sees a byte of
// it; links, filters and storage in other files are refused too. A file forged on purpose, with a digest to match,
// still reaches libhdf5: load only .h5 files which you trust.
#include <hdf5.h>

#include <algorithm>
#include <cmath>
#include <mutex>

#include "weights/parameters.h"
#include "weights/readers.h"
#include "weights/sha256.h"

namespace limpid {
namespace {

constexpr int kFormatVersion = 1;
constexpr std::string_view kFormat = "limpid weights";
constexpr std::string_view kTrailerStart = "LIMPID-SHA256 ";
constexpr size_t kTrailerBytes = kTrailerStart.size() + 64 + 2;
constexpr hsize_t kMostTensors = 10000, kMostLabels = 1000000, kLongestText = 65536;

// The library wants a file name even for files in memory, and refuses an image where a file of that name exists. This
// one cannot.
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
                           "), expected a converted weight file; convert it again"));
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
    if (text.size() > kLongestText / 2 || text.find('\0') != text.npos) {
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

void write_tensor(hid_t group, const std::string& name, const HostTensor& tensor) {
    if (name.empty() || name == "." || name.find('/') != name.npos || name.find('\0') != name.npos ||
        tensor.values.empty()) {
        throw Error(concat("tensor ", printable(name), " ", tensor.shape,
                           ": cannot be stored, expected a name without '/' and at least one value"));
    }
    const hsize_t sizes[4] = {hsize_t(tensor.shape.n), hsize_t(tensor.shape.h), hsize_t(tensor.shape.w),
                              hsize_t(tensor.shape.c)};
    const Handle space(H5Screate_simple(4, sizes, nullptr), H5Sclose, name);
    const Handle properties = dataset_properties();
    const Handle dataset(H5Dcreate2(group, name.c_str(), H5T_IEEE_F32LE, space, H5P_DEFAULT, properties, H5P_DEFAULT),
                         H5Dclose, name);
    checked(H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, tensor.values.data()), name);
}

void write_labels(hid_t file, const std::vector<std::string>& labels) {
    size_t longest = 1;
    for (const std::string& label : labels) {
        if (label.find('\0') != label.npos || label.size() > kLongestText / 2) {
            throw Error(concat("label ", printable(label),
                               ": too long or with a zero byte, expected a short plain text; correct the label list"));
        }
        longest = std::max(longest, label.size());
    }
    std::string table(longest * labels.size(), '\0');
    for (size_t i = 0; i < labels.size(); ++i) labels[i].copy(table.data() + i * longest, longest);
    const hsize_t count = labels.size();
    const Handle type = string_type(longest), space(H5Screate_simple(1, &count, nullptr), H5Sclose, "labels"),
                 properties = dataset_properties();
    const Handle dataset(H5Dcreate2(file, "labels", type, space, H5P_DEFAULT, properties, H5P_DEFAULT), H5Dclose,
                         "labels");
    checked(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, table.data()), "labels");
}

std::string trailer_for(Bytes image) {
    std::string trailer = concat(kTrailerStart, sha256_of(image));
    trailer.resize(kTrailerBytes, ' ');
    trailer.back() = '\n';
    return trailer;
}

// Reading -----------------------------------------------------------------------------------------

std::string read_text(hid_t object, const char* name) {
    const Handle attribute(H5Aopen(object, name, H5P_DEFAULT), H5Aclose, concat("attribute ", name));
    const Handle type(H5Aget_type(attribute), H5Tclose, name), space(H5Aget_space(attribute), H5Sclose, name);
    const size_t size = H5Tget_size(type);
    if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) != 0 || size == 0 || size > kLongestText ||
        H5Sget_simple_extent_npoints(space) != 1) {
        throw Error(
            concat("attribute ", name, ": is no single text of fixed length, expected one; convert the file again"));
    }
    std::string text(size, '\0');
    checked(H5Aread(attribute, string_type(size), text.data()), name);
    return text.substr(0, text.find('\0'));
}

template <class T>
void read_numbers(hid_t object, const char* name, hid_t memory_type, T* values, hssize_t count) {
    const Handle attribute(H5Aopen(object, name, H5P_DEFAULT), H5Aclose, concat("attribute ", name));
    const Handle type(H5Aget_type(attribute), H5Tclose, name), space(H5Aget_space(attribute), H5Sclose, name);
    const H5T_class_t number = H5Tget_class(type);
    if ((number != H5T_INTEGER && number != H5T_FLOAT) || H5Sget_simple_extent_npoints(space) != count) {
        throw Error(concat("attribute ", name, ": is not ", count, " numbers, expected that; convert the file again"));
    }
    checked(H5Aread(attribute, memory_type, values), name);
}

// Sizes of a dataset stored plainly in this file; sets `size_bytes`. Compression, chunks and other files are refused.
std::vector<int64_t> plain_sizes(hid_t dataset, const std::string& name, size_t rank, size_t element_bytes,
                                 uint64_t& size_bytes) {
    const Handle space(H5Dget_space(dataset), H5Sclose, name), properties(H5Dget_create_plist(dataset), H5Pclose, name);
    hsize_t sizes[H5S_MAX_RANK] = {};
    const int found_rank = checked(H5Sget_simple_extent_ndims(space), name);
    if (found_rank != int(rank)) {
        throw Error(
            concat(printable(name), ": has ", found_rank, " axes, expected ", rank, "; convert the file again"));
    }
    checked(H5Sget_simple_extent_dims(space, sizes, nullptr), name);
    std::vector<int64_t> result(sizes, sizes + rank);
    const int64_t count = checked_size(result);
    size_bytes = H5Dget_storage_size(dataset);
    if (H5Pget_layout(properties) != H5D_CONTIGUOUS || H5Pget_external_count(properties) != 0 || count <= 0 ||
        uint64_t(count) > size_bytes / element_bytes || uint64_t(count) * element_bytes != size_bytes) {
        throw Error(
            concat(printable(name), ": shape ", shape_text(result), " with ", size_bytes,
                   " bytes, expected plain uncompressed values of that shape in the file; convert the file again"));
    }
    return result;
}

// Every child of /tensors; `room_bytes` is what the file can hold at most, so lengths which lie are refused before
// allocation.
void read_tensors(hid_t file, uint64_t room_bytes, std::map<std::string, HostTensor>& tensors, Problems& problems) {
    const Handle group(H5Gopen2(file, "tensors", H5P_DEFAULT), H5Gclose, "tensors");
    H5G_info_t group_info{};
    checked(H5Gget_info(group, &group_info), "tensors");
    if (group_info.nlinks > kMostTensors) {
        throw Error(concat("tensors: ", group_info.nlinks, " entries, expected at most ", kMostTensors,
                           "; convert the file again"));
    }
    for (hsize_t i = 0; i < group_info.nlinks; ++i) {
        char name[256] = {};
        H5L_info_t link{};
        const ssize_t length = checked(
            H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name, H5P_DEFAULT), "tensors");
        checked(H5Lget_info(group, name, &link, H5P_DEFAULT), printable(name));
        if (size_t(length) >= sizeof name || link.type != H5L_TYPE_HARD) {
            problems.add(concat(printable(name), " is a link or has too long a name, expected a dataset"));
            continue;
        }
        const Handle dataset(H5Dopen2(group, name, H5P_DEFAULT), H5Dclose, printable(name));
        const Handle type(H5Dget_type(dataset), H5Tclose, name);
        if (H5Tequal(type, H5T_IEEE_F32LE) <= 0) {
            problems.add(concat(printable(name), " is not float32, expected float32"));
            continue;
        }
        uint64_t size_bytes = 0;
        const std::vector<int64_t> sizes = plain_sizes(dataset, name, 4, sizeof(float), size_bytes);
        if (size_bytes > room_bytes) {
            throw Error(concat(
                printable(name),
                ": the arrays are larger than the file, expected each to have its own place; convert the file again"));
        }
        room_bytes -= size_bytes;
        HostTensor tensor({sizes[0], sizes[1], sizes[2], sizes[3]});
        checked(H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, tensor.values.data()),
                printable(name));
        tensors.emplace(name, std::move(tensor));
    }
}

std::vector<std::string> read_labels(hid_t file, uint64_t file_bytes) {
    const htri_t present = checked(H5Lexists(file, "labels", H5P_DEFAULT), "labels");
    if (present == 0) return {};
    const Handle dataset(H5Dopen2(file, "labels", H5P_DEFAULT), H5Dclose, "labels");
    const Handle type(H5Dget_type(dataset), H5Tclose, "labels");
    const size_t longest = H5Tget_size(type);
    if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) != 0 || longest == 0 || longest > kLongestText) {
        throw Error("labels: are no texts of fixed length, expected those; convert the file again");
    }
    uint64_t size_bytes = 0;
    const std::vector<int64_t> sizes = plain_sizes(dataset, "labels", 1, longest, size_bytes);
    if (size_bytes > file_bytes || sizes[0] > int64_t(kMostLabels)) {
        throw Error(concat("labels: ", sizes[0], " texts of ", longest,
                           " bytes, more than the file has; convert the file again"));
    }
    std::string table(size_bytes, '\0');
    checked(H5Dread(dataset, string_type(longest), H5S_ALL, H5S_ALL, H5P_DEFAULT, table.data()), "labels");
    std::vector<std::string> labels;
    for (int64_t i = 0; i < sizes[0]; ++i) {
        const std::string_view padded(table.data() + size_t(i) * longest, longest);
        labels.emplace_back(padded.substr(0, padded.find('\0')));
    }
    return labels;
}

Bytes verified_image(Bytes file) {
    if (file.size() < kTrailerBytes || !as_text(file.last(kTrailerBytes)).starts_with(kTrailerStart)) {
        throw Error(
            "no digest at the end, expected a file as `limpid convert` writes it; it is cut short, or comes from "
            "another program: convert it again");
    }
    const Bytes image = file.first(file.size() - kTrailerBytes);
    if (as_text(file.last(kTrailerBytes)) != trailer_for(image)) {
        throw Error(
            "the digest at its end is not that of its contents, expected the same; the file was damaged or changed: "
            "convert it again");
    }
    return image;
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

std::vector<std::byte> write_hdf5(const Weights& weights) {
    const std::lock_guard lock(library_mutex);
    const SilencedErrors silenced;
    const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "file access");
    checked(H5Pset_fapl_core(access, 1 << 22, false), "file access");  // in memory, grown by 4 MiB
    const Handle creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose, "file creation");
    checked(H5Pset_obj_track_times(creation, false), "file creation");
    const Handle file(H5Fcreate(kNoFile, H5F_ACC_TRUNC, creation, access), H5Fclose, "file");

    write_text(file, "format", std::string(kFormat));
    write_attribute(file, "format_version", H5T_STD_I32LE, H5T_NATIVE_INT, 1, &kFormatVersion);
    write_text(file, "variant", weights.variant);
    write_text(file, "source", weights.source);
    write_text(file, "source_sha256", weights.source_sha256);
    write_text(file, "checksum", checksum_of(weights.tensors));
    write_attribute(file, "preprocessing_source", H5T_STD_I32LE, H5T_NATIVE_INT, 3,
                    weights.preprocessing.source.data());
    write_attribute(file, "preprocessing_scale", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 1, &weights.preprocessing.scale);
    write_attribute(file, "preprocessing_mean", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 3, weights.preprocessing.mean.data());
    if (!weights.labels.empty()) write_labels(file, weights.labels);
    {
        const Handle properties(H5Pcreate(H5P_GROUP_CREATE), H5Pclose, "tensors");
        checked(H5Pset_obj_track_times(properties, false), "tensors");
        const Handle group(H5Gcreate2(file, "tensors", H5P_DEFAULT, properties, H5P_DEFAULT), H5Gclose, "tensors");
        for (const auto& [name, tensor] : weights.tensors) write_tensor(group, name, tensor);
    }
    checked(H5Fflush(file, H5F_SCOPE_GLOBAL), "file");
    const ssize_t size = checked(H5Fget_file_image(file, nullptr, 0), "file image");
    std::vector<std::byte> bytes(static_cast<size_t>(size));
    checked(H5Fget_file_image(file, bytes.data(), bytes.size()), "file image");
    const std::string trailer = trailer_for(bytes);
    bytes.insert(bytes.end(), as_bytes(trailer).begin(), as_bytes(trailer).end());
    return bytes;
}

Weights read_hdf5(Bytes bytes) {
    const Bytes image = verified_image(bytes);
    const std::lock_guard lock(library_mutex);
    const SilencedErrors silenced;
    const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "file access");
    checked(H5Pset_fapl_core(access, 1 << 16, false), "file access");
    // The library copies the image; it takes the pointer as writable for a mode that is not used here.
    checked(H5Pset_file_image(access, const_cast<std::byte*>(image.data()), image.size()), "file image");
    const Handle file(H5Fopen(kNoFile, H5F_ACC_RDONLY, access), H5Fclose, "file");

    if (const std::string format = read_text(file, "format"); format != kFormat) {
        throw Error(
            concat("format is ", printable(format), ", expected ", kFormat, "; is this another program's file?"));
    }
    int version = 0;
    read_numbers(file, "format_version", H5T_NATIVE_INT, &version, 1);
    if (version != kFormatVersion) {
        throw Error(concat("format version ", version, ", expected ", kFormatVersion,
                           "; use the program that wrote it, or convert the original again"));
    }
    Weights weights;
    weights.variant = read_text(file, "variant");
    weights.source = read_text(file, "source");
    weights.source_sha256 = read_text(file, "source_sha256");
    weights.checksum = read_text(file, "checksum");
    read_numbers(file, "preprocessing_source", H5T_NATIVE_INT, weights.preprocessing.source.data(), 3);
    read_numbers(file, "preprocessing_scale", H5T_NATIVE_FLOAT, &weights.preprocessing.scale, 1);
    read_numbers(file, "preprocessing_mean", H5T_NATIVE_FLOAT, weights.preprocessing.mean.data(), 3);
    Problems problems;
    for (const int channel : weights.preprocessing.source) {
        if (channel < 0 || channel > 2)
            problems.add(concat("preprocessing_source has channel ", channel, ", expected 0 to 2"));
    }
    weights.labels = read_labels(file, image.size());
    read_tensors(file, image.size(), weights.tensors, problems);
    if (const std::string sum = checksum_of(weights.tensors); problems.empty() && sum != weights.checksum) {
        problems.add(concat("checksum of the tensors is ", sum, ", the file says ", printable(weights.checksum)));
    }
    problems.throw_if_any("expected a file as `limpid convert` writes it; convert it again");
    return weights;
}

}  // namespace limpid
