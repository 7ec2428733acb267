// Lines to labels.
#include "weights/labels.h"

#include <algorithm>
#include <cctype>

#include "kernels/error.h"

namespace limpid {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool starts_with_wordnet_id(std::string_view line) {
    return line.size() > 10 && line[0] == 'n' && line[9] == ' ' &&
           std::all_of(line.begin() + 1, line.begin() + 9, [](unsigned char c) { return std::isdigit(c) != 0; });
}

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t") == line.npos; }

// The bytes of the character that begins the text; 0: it is no UTF-8. Shortest forms only, no surrogates, up to
// U+10FFFF (RFC 3629).
size_t utf8_character(std::string_view text) {
    const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
    const unsigned lead = byte(0);
    if (lead < 0x80) return 1;
    const size_t size = lead >= 0xc2 && lead < 0xe0   ? 2
                        : lead >= 0xe0 && lead < 0xf0 ? 3
                        : lead >= 0xf0 && lead < 0xf5 ? 4
                                                      : 0;
    for (size_t i = 1; i < size; ++i)
        if ((byte(i) & 0xc0) != 0x80) return 0;
    const bool wrong = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f) ||
                       (lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f);
    return wrong ? 0 : size;
}

void check_text(std::string_view line, size_t number) {
    for (size_t at = 0; at < line.size();) {
        const size_t size = utf8_character(line.substr(at));
        const auto byte = static_cast<unsigned char>(line[at]);
        if (size == 0)
            throw Error(concat("line ", number, ": byte ", at + 1,
                               " is not UTF-8, expected labels in UTF-8; save the "
                               "list in that encoding, as with iconv -f LATIN1 -t UTF-8"));
        if ((byte < ' ' && byte != '\t') || byte == 0x7f)
            throw Error(concat("line ", number, ": has the control character ", int(byte), " at byte ", at + 1,
                               ", expected plain text; is this a list of labels?"));
        at += size;
    }
}

// Without blank lines at the end.
std::vector<std::string_view> lines_of(std::string_view text) {
    if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff"))
        throw Error("line 1: is UTF-16, expected labels in UTF-8; save the list in that encoding");
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        lines.push_back(line);
    }
    while (!lines.empty() && is_blank(lines.back())) lines.pop_back();
    return lines;
}

}  // namespace

std::vector<std::string> parse_labels(std::string_view text, int64_t first_line, const ClassOutputs& classes) {
    const int64_t outputs = classes.outputs;
    if (first_line < 0 || first_line > outputs)
        throw Error(
            concat("labels: first output ", first_line, ", expected 0 to ", outputs, "; give another first output"));
    const std::vector<std::string_view> lines = lines_of(text);
    const int64_t count = int64_t(lines.size()), first_class = classes.first, end_class = first_class + classes.count;
    if (count > outputs - first_line)
        throw Error(concat("labels: ", count, " lines, expected at most ", outputs - first_line,
                           ", one for each output from ", first_line, " to ", outputs - 1,
                           "; is this the label list of another network?"));
    std::vector<std::string> labels(static_cast<size_t>(outputs));
    for (int64_t i = 0; i < count; ++i) {
        std::string_view line = lines[size_t(i)];
        check_text(line, size_t(i + 1));
        if (starts_with_wordnet_id(line)) line.remove_prefix(10);
        const int64_t output = first_line + i;
        if (!is_blank(line))
            labels[size_t(output)] = line;
        else if (output >= first_class && output < end_class)
            throw Error(concat("line ", i + 1, ": is blank, expected the label of output ", output,
                               "; add it, or remove the line"));
    }
    if (first_line > first_class || first_line + count < end_class)
        throw Error(concat("labels: ", count, " lines, for the outputs from ", first_line,
                           ", expected a label for each of ", classes.count, " classes, outputs ", first_class, " to ",
                           end_class - 1, "; is the list cut short, or another network's?"));
    return labels;
}

void check_labels(const std::vector<std::string>& labels, const ClassOutputs& classes) {
    if (labels.empty()) return;
    if (int64_t(labels.size()) != classes.outputs)
        throw Error(concat("labels: ", labels.size(), ", expected one for each of the ", classes.outputs,
                           " outputs; convert the original again with its whole list"));
    for (int64_t i = classes.first; i < classes.first + classes.count; ++i)
        if (labels[size_t(i)].empty())
            throw Error(concat("labels: output ", i, " has none, expected one for each of ", classes.count,
                               " classes, outputs ", classes.first, " to ", classes.first + classes.count - 1,
                               "; convert the original again with its whole list"));
}

}  // namespace limpid
