// TensorProto: shape, type, and values in one of three places: raw_data, a field of their type, or another file.
#include <algorithm>
#include <charconv>
#include <optional>

#include "weights/onnx.h"
#include "weights/parameters.h"

namespace limpid {
namespace {

constexpr size_t kMostTensorAxes = 16;

// TensorProto.DataType; the field that holds such values where raw_data does not.
struct DataType {
    int64_t code;
    NumberType type;
    uint32_t field;
};
constexpr uint32_t kFloatData = 4, kInt32Data = 5, kInt64Data = 7, kDoubleData = 10, kUint64Data = 11;
constexpr DataType kDataTypes[] = {
    {1, NumberType::float32, kFloatData},   {2, NumberType::uint8, kInt32Data},
    {3, NumberType::int8, kInt32Data},      {4, NumberType::uint16, kInt32Data},
    {5, NumberType::int16, kInt32Data},     {6, NumberType::int32, kInt32Data},
    {7, NumberType::int64, kInt64Data},     {9, NumberType::boolean, kInt32Data},
    {10, NumberType::float16, kInt32Data},  {11, NumberType::float64, kDoubleData},
    {12, NumberType::uint32, kUint64Data},  {13, NumberType::uint64, kUint64Data},
    {16, NumberType::bfloat16, kInt32Data},
};

std::shared_ptr<std::vector<std::byte>> owner_of(ImportTensor& tensor, std::shared_ptr<std::vector<std::byte>> bytes) {
    tensor.bytes = *bytes;
    tensor.owned = bytes;
    return bytes;
}

// Fields of fixed-size numbers: the packed ones lie as raw data does.
void take_fixed(const std::vector<Field>& fields, ImportTensor& tensor) {
    if (fields.size() == 1 && fields[0].wire == Field::Wire::length_delimited) {
        tensor.bytes = fields[0].bytes;
        return;
    }
    auto bytes = std::make_shared<std::vector<std::byte>>();
    for (const Field& field : fields) {
        const size_t size = size_bytes_of(tensor.type);
        if (field.wire == Field::Wire::length_delimited) {
            bytes->insert(bytes->end(), field.bytes.begin(), field.bytes.end());
        } else {
            if (field.wire != (size == 4 ? Field::Wire::fixed32 : Field::Wire::fixed64)) (void)field.content();
            const Bytes number = std::as_bytes(std::span(&field.value, 1)).first(size);
            bytes->insert(bytes->end(), number.begin(), number.end());
        }
    }
    owner_of(tensor, std::move(bytes));
}

// Fields of varints: the low bytes of each, as many as the type has.
void take_varints(const std::vector<Field>& fields, ImportTensor& tensor) {
    auto bytes = std::make_shared<std::vector<std::byte>>();
    const size_t size = size_bytes_of(tensor.type);
    std::vector<int64_t> values;
    for (const Field& field : fields) {
        values.clear();
        append_integers(field, values, std::max<size_t>(field.bytes.size(), 1));
        for (const int64_t& value : values) {
            const Bytes number = std::as_bytes(std::span(&value, 1)).first(size);
            bytes->insert(bytes->end(), number.begin(), number.end());
        }
    }
    owner_of(tensor, std::move(bytes));
}

struct ExternalPlace {
    std::string location;
    uint64_t offset = 0;
    std::optional<uint64_t> length;
};

uint64_t number_in(std::string_view key, std::string_view text) {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
        throw Error(concat("external data has ", printable(key), " \"", printable(text),
                           "\", expected a number of bytes; export it again"));
    return value;
}

void take_external_entry(const Field& record, ExternalPlace& place) {
    std::string key, value;
    Message entry = record.message();
    for (Field field; entry.next(field);) {
        if (field.number == 1) key = field.text();
        if (field.number == 2) value = field.text();
    }
    if (key == "location") place.location = value;
    if (key == "offset") place.offset = number_in(key, value);
    if (key == "length") place.length = number_in(key, value);
}

Bytes external_bytes(const ExternalPlace& place, const ExternalFile& external) {
    const Bytes file = external(place.location);
    if (place.offset > file.size() || (place.length && *place.length > file.size() - place.offset))
        throw Error(concat("lies in ", printable(place.location), " at byte ", place.offset,
                           place.length ? concat(", ", *place.length, " bytes") : std::string(), ", which has ",
                           file.size(), " bytes; is it complete, and that of this model?"));
    const Bytes rest = file.subspan(size_t(place.offset));
    return place.length ? rest.first(size_t(*place.length)) : rest;
}

}  // namespace

OnnxTensor read_onnx_tensor(Message message, const ExternalFile& external) {
    OnnxTensor result;
    ImportTensor& tensor = result.tensor;
    int64_t code = 0;
    bool segmented = false, elsewhere = false;
    std::optional<Bytes> raw;
    ExternalPlace place;
    std::map<uint32_t, std::vector<Field>> numbers;
    for (Field field; message.next(field);) {
        switch (field.number) {
            case 1:
                append_integers(field, tensor.shape, kMostTensorAxes);
                break;
            case 2:
                code = int64_t(field.integer());
                break;
            case 3:
                segmented = true;
                break;
            case kFloatData:
            case kInt32Data:
            case kInt64Data:
            case kDoubleData:
            case kUint64Data:
                numbers[field.number].push_back(field);
                break;
            case 8:
                result.name = field.text();
                break;
            case 9:
                raw = field.content();
                break;
            case 13:
                take_external_entry(field, place);
                break;
            case 14:
                elsewhere = field.integer() == 1;
                break;
            default:
                break;
        }
    }
    const auto type = std::ranges::find(kDataTypes, code, &DataType::code);
    if (type == std::end(kDataTypes)) {
        tensor.fault = concat("is of data type ", code, ", expected floats or integers of 8 to 64 bits");
        return result;
    }
    tensor.type = type->type;
    if (elsewhere)
        tensor.bytes = with_context(printable(result.name), [&] { return external_bytes(place, external); });
    else if (raw)
        tensor.bytes = *raw;
    else if (type->field == kFloatData || type->field == kDoubleData)
        take_fixed(numbers[type->field], tensor);
    else
        take_varints(numbers[type->field], tensor);
    const int64_t size = tensor.size();
    if (segmented)
        tensor.fault = "is one segment of a tensor, expected all of it";
    else if (size < 0 || tensor.bytes.size() % size_bytes_of(tensor.type) != 0 ||
             uint64_t(size) != tensor.bytes.size() / size_bytes_of(tensor.type))
        tensor.fault = concat("has ", tensor.bytes.size(), " bytes of ", name_of(tensor.type), ", but its shape is ",
                              shape_text(tensor.shape));
    return result;
}

WireWriter written_onnx_tensor(const std::string& name, const ImportTensor& tensor) {
    CHECK(tensor.fault.empty() && !tensor.uniform);
    WireWriter message;
    for (const int64_t size : tensor.shape) message.integer(1, uint64_t(size));
    return message.integer(2, uint64_t(std::ranges::find(kDataTypes, tensor.type, &DataType::type)->code))
        .text(8, name)
        .text(9, as_text(tensor.bytes));
}

}  // namespace limpid
