// Reads the subset of PTX that nvcc writes for kernels without calls and local memory.
#include <algorithm>
#include <charconv>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>

#include "tests/simt/ptx.h"

namespace simt::ptx {

namespace {

std::string trimmed(const std::string& text) {
    const size_t begin = text.find_first_not_of(" \t\r\n");
    return begin == text.npos ? "" : text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

// Splits at commas outside of brackets.
std::vector<std::string> split_operands(const std::string& text) {
    std::vector<std::string> operands;
    std::string operand;
    int depth = 0;
    for (const char letter : text) {
        depth += (letter == '{' || letter == '[') - (letter == '}' || letter == ']');
        if (letter == ',' && depth == 0)
            operands.push_back(trimmed(std::exchange(operand, "")));
        else
            operand += letter;
    }
    if (!trimmed(operand).empty()) operands.push_back(trimmed(operand));
    return operands;
}

// Modifiers without meaning to an interpreter in program order: roundings that are the default, approximations (ours
// are exact), caching, scopes.
std::string canonical(const std::string& opcode) {
    static const std::set<std::string> kIgnored = {"rn",  "approx", "ftz", "full",    "uni",      "aligned",
                                                   "nc",  "cta",    "gpu", "relaxed", "volatile", "row",
                                                   "col", "weak",   "sys", "cg",      "ca"};
    std::istringstream words(opcode);
    std::string result, word;
    while (std::getline(words, word, '.')) {
        const bool hint = word.find("::") != word.npos;  // L1::no_allocate
        if (!hint && !kIgnored.count(word)) result += (result.empty() ? "" : ".") + word;
    }
    return result;
}

size_t type_bytes(const std::string& type) {
    const size_t bits = std::stoul(type.substr(type.find_first_of("0123456789")));
    return bits / 8;
}

class Parser {
  public:
    explicit Parser(const std::string& path) {
        std::ifstream file(path);
        if (!file) throw std::runtime_error(path + ": cannot be opened");
        std::vector<std::string> lines;
        for (std::string line; std::getline(file, line);) lines.push_back(line);
        for (const std::string& line : lines)
            if (line.find(".file") != line.npos) read_file_name(trimmed(line));  // they stand at the end
        for (const std::string& line : lines) read_line(line);
    }
    std::map<std::string, Function> take() { return std::move(functions_); }

  private:
    // A declaration of shared memory: ".shared .align 16 .b8 name[512];", an extern one has no size.
    void declare_shared(const std::string& line) {
        const size_t bracket = line.find('[');
        size_t align = 1, bytes = 0;
        if (const size_t at = line.find(".align "); at != line.npos) align = std::stoul(line.substr(at + 7));
        std::string name = trimmed(line.substr(0, std::min(bracket, line.find(';'))));
        name = name.substr(name.find_last_of(" \t") + 1);
        if (bracket == line.npos) {
            const size_t type = line.rfind('.');
            bytes = type_bytes(line.substr(type + 1));
            align = std::max(align, bytes);
        } else if (line[bracket + 1] != ']') {
            bytes = std::stoul(line.substr(bracket + 1));
        } else {
            dynamic_ = name;
            return;
        }
        shared_bytes_ = (shared_bytes_ + align - 1) / align * align;
        shared_[name] = shared_bytes_;
        shared_bytes_ += bytes;
    }

    // .file 1 "/path/pool_cuda.cu"
    void read_file_name(const std::string& line) {
        if (!line.starts_with(".file")) return;
        const size_t quote = line.find('"');
        const std::string name = line.substr(quote + 1);
        files_[std::stoi(line.substr(5))] = &names_.emplace_back(name.substr(0, name.find('"')));
    }

    void read_line(std::string line) {
        line = trimmed(line.substr(0, line.find("//")));
        if (line.empty()) return;
        if (!function_) {
            if (line.find(".shared ") != line.npos) return declare_shared(line);
            if (const size_t entry = line.find(".entry "); entry != line.npos)
                begin_function(trimmed(line.substr(entry + 7)));
            return;
        }
        if (in_header_) return read_header(line);
        read_body(line);
    }

    void begin_function(std::string name) {
        name = name.substr(0, name.find('('));
        function_ = &(functions_[name] = Function{});
        numbers_.clear();
        labels_.clear();
        branches_.clear();
        parameters_.clear();
        in_header_ = true;
        for (const char* special : kSpecialRegisters) number_of(special);
    }

    void read_header(const std::string& line) {
        if (line.starts_with(".param")) {
            std::string declaration = line.substr(0, line.find_last_not_of(",") + 1);
            size_t align = 0, bytes = 0;
            const size_t bracket = declaration.find('[');
            std::string name = trimmed(declaration.substr(0, bracket));
            name = name.substr(name.find_last_of(" \t") + 1);
            if (const size_t at = declaration.find(".align "); at != declaration.npos)
                align = std::stoul(declaration.substr(at + 7));
            if (bracket != declaration.npos) {
                bytes = std::stoul(declaration.substr(bracket + 1));
            } else {
                std::istringstream words(declaration);
                std::string word, type;
                words >> word >> type;
                bytes = type_bytes(type);
            }
            if (align == 0) align = bytes;
            const auto& all = function_->parameters;
            const size_t end = all.empty() ? 0 : all.back().offset + all.back().bytes;
            parameters_[name] = (end + align - 1) / align * align;
            function_->parameters.push_back({parameters_[name], bytes});
        } else if (line.starts_with(".maxntid")) {
            unsigned threads = 1;
            for (const std::string& part : split_operands(line.substr(8))) threads *= unsigned(std::stoul(part));
            function_->most_threads = threads;
        } else if (line == "{") {
            in_header_ = false;
        }
    }

    void read_body(const std::string& line) {
        if (statement_.empty()) {
            if (line == "{") {
                depth_++;
                return;
            }
            if (line == "}") {
                if (depth_-- == 0) end_function();
                return;
            }
            if (line.starts_with(".loc\t") || line.starts_with(".loc ")) return read_place(line);
            if (line.find(".shared ") == 0) return declare_shared(line);
            if (line.starts_with(".reg") || line.starts_with(".pragma")) return;
            if (line[0] == '.') return lacks("directive " + line.substr(0, line.find_first_of(" \t")));
            if (line.back() == ':') {
                labels_[line.substr(0, line.size() - 1)] = function_->code.size();
                return;
            }
        }
        statement_ += line + " ";
        if (line.back() != ';') return;
        std::string statement = trimmed(std::exchange(statement_, ""));
        statement.pop_back();
        read_instruction(statement);
    }

    // ".loc 2 20 77, function_name $L__info_string1, inlined_at 1 26 5": the line in the kernel's own file, unless the
    // wrapper itself is of a kernel file.
    void read_place(std::string line) {
        const auto place_at = [&](const std::string& text) {
            int file = 0;
            unsigned number = 0;
            std::istringstream(text) >> file >> number;
            return Place(files_.count(file) ? files_[file]->c_str() : "", number);
        };
        place_ = place_at(line.substr(4));
        const size_t inlined = line.find("inlined_at ");
        if (inlined == line.npos) return;
        if (std::string(place_.file_name()).find("/kernels/device/") != std::string::npos ||
            std::string(place_.file_name()).find("/include/") != std::string::npos)
            place_ = place_at(line.substr(inlined + 11));
    }

    void read_instruction(std::string statement) {
        Instruction instruction;
        instruction.place = place_;
        if (statement[0] == '@') {
            const size_t space = statement.find_first_of(" \t");
            instruction.guard_negated = statement[1] == '!';
            instruction.guard =
                number_of(statement.substr(1 + instruction.guard_negated, space - 1 - instruction.guard_negated));
            statement = trimmed(statement.substr(space));
        }
        const size_t space = statement.find_first_of(" \t");
        const std::string opcode = canonical(statement.substr(0, space));
        instruction.execute = find_opcode(opcode);
        if (!instruction.execute) return lacks("opcode " + statement.substr(0, space));
        const auto operands = split_operands(space == statement.npos ? "" : statement.substr(space));
        for (size_t i = 0; i < operands.size(); i++) {
            read_operand(operands[i], instruction);
            if (i == 0) instruction.in_first = instruction.count;
        }
        function_->code.push_back(instruction);
    }

    void read_operand(const std::string& text, Instruction& instruction) {
        if (text[0] == '{') {
            for (const std::string& part : split_operands(text.substr(1, text.size() - 2)))
                read_operand(part, instruction);
        } else if (text[0] == '[') {
            std::string base = trimmed(text.substr(1, text.size() - 2));
            if (const size_t plus = base.find('+'); plus != base.npos) {
                instruction.offset = std::stoll(base.substr(plus + 1));
                base = trimmed(base.substr(0, plus));
            }
            if (const auto parameter = parameters_.find(base); parameter != parameters_.end()) {
                instruction.offset += int64_t(parameter->second);
                base = "0";
            }
            read_operand(base, instruction);
        } else if (text[0] == '$') {
            branches_.push_back({function_->code.size(), text});
        } else if (const size_t bar = text.find('|'); bar != text.npos) {
            read_operand(text.substr(0, bar), instruction);
            read_operand(text.substr(bar + 1), instruction);
        } else if (instruction.count == kMostRegisters) {
            lacks("instruction with so many operands");
        } else {
            instruction.r[instruction.count++] = number_of(text);
        }
    }

    // The number of a register, or of one that holds a constant or the address of a shared array.
    int number_of(const std::string& text) {
        if (const auto known = numbers_.find(text); known != numbers_.end()) return known->second;
        uint64_t value = 0;
        if (const auto shared = shared_.find(text); shared != shared_.end()) {
            value = shared->second;
        } else if (const auto parameter = parameters_.find(text); parameter != parameters_.end()) {
            value = parameter->second;
        } else if (text == dynamic_) {
            // The dynamic array begins where the static ones end, and that is known at the end of the file only.
            dynamic_uses_.push_back({function_, int(function_->initial_registers.size())});
        } else if (text.starts_with("0f") || text.starts_with("0F") || text.starts_with("0d") ||
                   text.starts_with("0D")) {
            value = std::stoull(text.substr(2), nullptr, 16);
        } else if (std::isdigit(static_cast<unsigned char>(text[0]))) {
            value = std::stoull(text, nullptr, 0);
        } else if (text[0] == '-') {
            value = uint64_t(std::stoll(text, nullptr, 0));
        } else if (text[0] != '%' && text != "_") {
            lacks("operand " + text);
        } else if (text[0] == '%' && !std::isdigit(static_cast<unsigned char>(text.back())) &&
                   std::find(std::begin(kSpecialRegisters), std::end(kSpecialRegisters), text) ==
                       std::end(kSpecialRegisters)) {
            lacks("special register " + text);
        }
        function_->initial_registers.push_back(value);
        return numbers_[text] = int(function_->initial_registers.size()) - 1;
    }

    void end_function() {
        for (const auto& [index, label] : branches_) {
            const auto found = labels_.find(label);
            if (found == labels_.end())
                lacks("label " + label);
            else
                function_->code[index].target = found->second;
        }
        depth_ = 0;
        function_->shared_bytes = (shared_bytes_ + 15) / 16 * 16;
        for (const auto& [function, number] : dynamic_uses_)
            function->initial_registers[size_t(number)] = function_->shared_bytes;
        dynamic_uses_.clear();
        function_ = nullptr;
    }

    void lacks(const std::string& what) {
        auto& problems = function_->problems;
        if (std::find(problems.begin(), problems.end(), what) == problems.end()) problems.push_back(what);
    }

    std::map<std::string, Function> functions_;
    Function* function_ = nullptr;
    bool in_header_ = false;
    int depth_ = 0;  // of nested braces in the body
    std::string statement_;
    Place place_;
    std::map<int, const std::string*> files_;
    // Names of files live as long as the program: places point to them.
    static inline std::deque<std::string> names_;
    std::map<std::string, int> numbers_;
    std::map<std::string, size_t> labels_, parameters_, shared_;
    std::vector<std::pair<size_t, std::string>> branches_;
    std::vector<std::pair<Function*, int>> dynamic_uses_;
    size_t shared_bytes_ = 0;  // of all kernels of the file, which nvcc declares together
    std::string dynamic_;
};

}  // namespace

std::map<std::string, Function> parse_file(const std::string& path) { return Parser(path).take(); }

Execute find_opcode(const std::string& opcode) {
    static const Opcodes opcodes = [] {
        Opcodes all;
        add_arithmetic(all);
        add_conversions(all);
        add_memory(all);
        return all;
    }();
    const auto found = opcodes.find(opcode);
    return found == opcodes.end() ? nullptr : found->second;
}

std::vector<std::string> missing_opcodes(const std::vector<std::string>& paths) {
    std::vector<std::string> missing;
    for (const std::string& path : paths)
        for (const auto& [name, function] : parse_file(path))
            for (const std::string& problem : function.problems) missing.push_back(problem + ", used by " + name);
    return missing;
}

}  // namespace simt::ptx
