// Reading, printing and sizing the text of a network.
#include "nets/architecture.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <set>

#include "kernels/error.h"
#include "nets/layers/kinds.h"
#include "nets/nearest.h"
#include "nets/trimmed.h"
#include "weights/bytes.h"

namespace limpid {

namespace {

constexpr size_t kMostTextBytes = size_t(4) << 20, kMostTextLayers = 20000, kLongestName = 200;
constexpr int64_t kMostColumns = 65536;
constexpr double kMostLayerValues = 0x1p31;
constexpr std::string_view kNotInNames = "(),=:#\"";
constexpr const char* kTextBlanks = " \t\r";

void check_layer_name(std::string_view name) {
    const bool plain = std::ranges::all_of(
        name, [](char c) { return c > ' ' && c <= '~' && kNotInNames.find(c) == kNotInNames.npos; });
    if (name.empty() || name.size() > kLongestName || !plain)
        throw Error(concat("\"", printable(name), "\" is no name of a layer, expected 1 to ", kLongestName,
                           " letters, digits and signs, without blanks and ", kNotInNames));
}

std::string listing(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

std::string known_kinds() {
    std::vector<std::string> names;
    for (const LayerKind* kind : layer_kinds()) names.emplace_back(kind->name);
    return listing(names);
}

Shape image_size(const Layer& image) {
    const std::vector<double>& shown = image.numbers("shown");
    if (!shown.empty() && (shown.size() != 3 || std::ranges::max(shown) >= image.numbers("channels")[0]))
        throw Error(concat("shows ", shown.size(), " channels, expected three of 0 to ", image.whole("channels") - 1));
    return {1, image.whole("size", 0), image.whole("size", 1), image.whole("channels")};
}

// What the layers are at the canonical size, one after another.
class SizedLayers {
  public:
    SizedLayers()
        : builder_(
              graph_, {},
              [this](const std::string& name, Shape shape) {
                  if (!shapes_.parameters.emplace(name, shape).second)
                      throw Error(concat("has the parameter ", name, ", which another layer has, expected its own"));
                  return graph_.input(name, shape);
              },
              kMostLayerValues) {}
    SizedLayers(const SizedLayers&) = delete;

    void add(const Layer& layer) {
        if (layer.kind == &kinds::image)
            with_context(layer.name, [&] { builder_.put(layer.name, graph_.input(layer.name, image_size(layer))); });
        else if (builder_.find(layer.name).valid())
            throw Error(concat("layer ", layer.name, " is there already, as a part of another, expected another name"));
        builder_.add(layer);
        if (!builder_.find(layer.name).valid())
            throw Error(concat(layer.name, ": does not exist at the canonical size, expected a larger image"));
    }

    ArchitectureShapes shapes() const {
        ArchitectureShapes result = shapes_;
        for (const auto& [name, node] : builder_.layers()) result.layers[name] = graph_.shape(node);
        return result;
    }

  private:
    Graph graph_;
    ArchitectureShapes shapes_;  // parameters alone
    LayerBuilder builder_;
};

class TextReader {
  public:
    explicit TextReader(std::string_view text) {
        if (text.size() > kMostTextBytes)
            throw Error(concat("the text has ", text.size(), " bytes, expected at most ", kMostTextBytes));
        const std::vector<std::string> lines = split_text(text, '\n', kTextBlanks);
        for (size_t i = 0; i < lines.size(); i++) {
            line_ = i + 1;
            const std::string content = trimmed(lines[i].substr(0, lines[i].find('#')), kTextBlanks);
            if (!content.empty()) at(line_, [&] { take(content); });
        }
        if (architecture_.layers.empty()) throw Error("the text has no layer, expected NAME = KIND(INPUT, ...) lines");
    }

    Architecture finish() {
        for (const auto& [name, line] : mentioned_)
            if (!names_.contains(name)) at(line, [&, &missing = name] { throw Error(not_there(missing)); });
        if (!names_.contains("input") || architecture_.input().kind != &kinds::image)
            throw Error("the text has no image called input, expected input = image(size=..., channels=...)");
        return std::move(architecture_);
    }

  private:
    template <class Body>
    static void at(size_t line, Body&& body) {
        with_context(concat("line ", line), body);
    }

    void take(const std::string& line) {
        const size_t sign = line.find_first_of("=:");
        if (sign == line.npos)
            throw Error(concat("is \"", printable(line), "\", expected NAME = KIND(INPUT, ...) or WORD: ..."));
        const std::string left = trimmed(line.substr(0, sign)), right = trimmed(line.substr(sign + 1), kTextBlanks);
        line[sign] == '=' ? take_layer(left, right) : take_property(left, right);
    }

    void take_property(const std::string& key, const std::string& value) {
        if (value.empty()) throw Error(concat("\"", printable(key), "\" says nothing, expected something after it"));
        if (!said_.insert(key).second) throw Error(concat(printable(key), " is there twice, expected once"));
        Architecture& a = architecture_;
        if (key == "network") {
            if (value.size() > kLongestName || printable(value, kLongestName) != value)
                throw Error(concat("network is \"", printable(value), "\", expected at most ", kLongestName,
                                   " printable ASCII characters"));
            a.name = value;
        } else if (key == "logits") {
            a.logits = listed(value)[0];
            if (a.logits != value) throw Error(concat("logits is \"", printable(value), "\", expected one layer"));
        } else if (key == "outputs") {
            a.outputs = listed(value);
        } else if (key == "columns") {
            for (const std::string& item : split_text(value, ',', kTextBlanks)) take_columns(item);
        } else if (key == "default" || key.starts_with("default ")) {
            const std::string purpose = trimmed(key.substr(std::string_view("default").size()));
            if (!purpose.empty()) check_layer_name(purpose);
            a.defaults[purpose] = listed(value);
        } else {
            throw Error(concat("\"", printable(key), ":\" is not known, expected network, logits, outputs, default, ",
                               "default PURPOSE or columns"));
        }
    }

    // Names of layers, which may come later.
    std::vector<std::string> listed(const std::string& value) {
        std::vector<std::string> names = split_text(value, ',', kTextBlanks);
        for (const std::string& name : names) {
            check_layer_name(name);
            mentioned_.emplace(name, line_);
        }
        return names;
    }

    void take_columns(const std::string& item) {
        const size_t blank = item.find(' ');
        const std::string layer = item.substr(0, blank), number = blank == item.npos ? "" : item.substr(blank + 1);
        int64_t columns = 0;
        const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), columns);
        if (error != std::errc() || end != number.data() + number.size() || columns < 1 || columns > kMostColumns)
            throw Error(
                concat("columns has \"", printable(item), "\", expected LAYER and a number from 1 to ", kMostColumns));
        check_layer_name(layer);
        if (!architecture_.columns.emplace(layer, columns).second)
            throw Error(concat("columns has ", layer, " twice, expected once"));
        mentioned_.emplace(layer, line_);
    }

    void take_layer(const std::string& name, const std::string& call) {
        check_layer_name(name);
        if (architecture_.layers.size() == kMostTextLayers)
            throw Error(concat("is one more layer than ", kMostTextLayers, ", expected at most these"));
        if (names_.contains(name)) throw Error(concat("layer ", name, " is there twice, expected another name"));
        const size_t open = call.find('(');
        if (open == call.npos || !call.ends_with(')') || call.find(')') != call.size() - 1)
            throw Error(concat(name, " is \"", printable(call), "\", expected KIND(INPUT, ..., KEY=VALUE, ...)"));
        Layer layer{name, kind_of_layer(trimmed(call.substr(0, open))), {}, {}};
        const std::string inside = trimmed(call.substr(open + 1, call.size() - open - 2), kTextBlanks);
        for (const std::string& argument : split_text(inside, ',', kTextBlanks)) {
            const size_t equals = argument.find('=');
            if (equals == argument.npos)
                take_input(layer, argument);
            else
                take_setting(layer, trimmed(argument.substr(0, equals)), trimmed(argument.substr(equals + 1)));
        }
        const LayerKind& kind = *layer.kind;
        if (layer.inputs.size() < kind.least_inputs || layer.inputs.size() > kind.most_inputs)
            throw Error(
                concat(name, ": ", kind.name, " has ", layer.inputs.size(), " inputs, expected ", kind.least_inputs,
                       kind.most_inputs > kind.least_inputs ? concat(" to ", kind.most_inputs) : std::string()));
        for (const SettingRule& rule : kind.settings) {
            if (layer.settings.contains(rule.key)) continue;
            if (rule.usual == kRequired)
                throw Error(
                    concat(name, ": ", kind.name, " does not say its ", rule.key, ", expected ", rule.key, "=VALUE"));
            layer.settings.emplace(rule.key, parse_setting(rule, rule.usual));
        }
        sizes_.add(layer);
        names_.insert(name);
        architecture_.layers.push_back(std::move(layer));
    }

    static const LayerKind* kind_of_layer(const std::string& name) {
        const LayerKind* kind = find_kind(name);
        if (!kind) throw Error(concat("kind \"", printable(name), "\" is not known, expected one of ", known_kinds()));
        return kind;
    }

    void take_input(Layer& layer, const std::string& input) {
        check_layer_name(input);
        if (!names_.contains(input)) throw Error(concat(layer.name, ": ", not_there(input)));
        layer.inputs.push_back(input);
    }

    void take_setting(Layer& layer, const std::string& key, const std::string& value) {
        const std::span<const SettingRule> rules = layer.kind->settings;
        const auto rule = std::ranges::find(rules, key, &SettingRule::key);
        if (rule == rules.end()) {
            std::vector<std::string> keys;
            for (const SettingRule& each : rules) keys.emplace_back(each.key);
            throw Error(concat(layer.name, ": ", layer.kind->name, " has no \"", printable(key), "\", expected ",
                               keys.empty() ? "inputs alone" : listing(keys)));
        }
        if (value.empty() || layer.settings.contains(key))
            throw Error(concat(layer.name, ": ", key, value.empty() ? " says nothing" : " is there twice",
                               ", expected one value"));
        layer.settings.emplace(key, with_context(layer.name, [&] { return parse_setting(*rule, value); }));
    }

    std::string not_there(const std::string& name) const {
        const std::string near = nearest_names(name, {names_.begin(), names_.end()});
        return concat("takes \"", name, "\", which no line before it makes, expected a layer that is there",
                      near.empty() ? "" : concat("; did you mean ", near, "?"));
    }

    Architecture architecture_;
    SizedLayers sizes_;
    size_t line_ = 0;                          // being read, from 1
    std::set<std::string> names_, said_;       // of layers; of properties
    std::map<std::string, size_t> mentioned_;  // layers that properties name, and where
};

const Layer* find_layer(const Architecture& architecture, const std::string& name) {
    const auto found = std::ranges::find(architecture.layers, name, &Layer::name);
    return found == architecture.layers.end() ? nullptr : &*found;
}

}  // namespace

const Layer& Architecture::input() const {
    const Layer* layer = find_layer(*this, "input");
    CHECK(layer, name, " has no image");
    return *layer;
}

Shape Architecture::image() const { return image_size(input()); }

Architecture parse_architecture(std::string_view text) { return TextReader(text).finish(); }

std::string to_string(const Architecture& a) {
    std::string text;
    const auto property = [&](const std::string& key, const std::string& value) {
        if (!value.empty()) text += concat(key, ": ", value, "\n");
    };
    property("network", a.name);
    property("logits", a.logits);
    property("outputs", listing(a.outputs));
    for (const auto& [purpose, layers] : a.defaults)
        property(purpose.empty() ? "default" : "default " + purpose, listing(layers));
    std::vector<std::string> columns;
    for (const auto& [layer, count] : a.columns) columns.push_back(concat(layer, " ", count));
    property("columns", listing(columns));
    for (const Layer& layer : a.layers) {
        std::vector<std::string> arguments = layer.inputs;
        for (const SettingRule& rule : layer.kind->settings) {
            const std::string value = print_setting(rule, layer.settings.find(rule.key)->second);
            const bool usual = rule.usual != kRequired && value == print_setting(rule, parse_setting(rule, rule.usual));
            if (!usual) arguments.push_back(concat(rule.key, "=", value));
        }
        text += concat(layer.name, " = ", layer.kind->name, "(", listing(arguments), ")\n");
    }
    return text;
}

ArchitectureShapes shapes_of(const Architecture& architecture) {
    SizedLayers sizes;
    for (const Layer& layer : architecture.layers) sizes.add(layer);
    return sizes.shapes();
}

std::map<std::string, Shape> parameter_shapes(const Architecture& architecture) {
    return shapes_of(architecture).parameters;
}

Normalisation normalisation_of(const Architecture& architecture) {
    const bool grey = sees_grey(architecture);
    const auto channels = grey ? size_t(1) : size_t(architecture.image().c);
    Normalisation result{std::vector<int64_t>(channels), std::vector<float>(channels, 1), std::vector<float>(channels)};
    std::iota(result.order.begin(), result.order.end(), 0);
    const auto found = std::ranges::find_if(architecture.layers, [&](const Layer& layer) {
        if (layer.kind != &kinds::normalise) return false;
        const std::string& from = layer.inputs[0];
        return from == "input" || (grey && find_layer(architecture, from)->kind == &kinds::grey);
    });
    if (found == architecture.layers.end()) return result;
    const auto &order = found->numbers("order"), &scale = found->numbers("scale"), &mean = found->numbers("mean");
    for (size_t j = 0; j < channels; j++) {
        if (!order.empty()) result.order[j] = int64_t(order[j]);
        result.scale[j] = float(scale[scale.size() == 1 ? 0 : j]);
        result.mean[j] = float(mean[mean.size() == 1 ? 0 : j]);
    }
    return result;
}

std::array<int64_t, 3> shown_channels(const Architecture& architecture) {
    const std::vector<double>& said = architecture.input().numbers("shown");
    std::array<int64_t, 3> shown{};
    for (int64_t i = 0; i < 3; i++)
        shown[size_t(i)] = said.empty() ? std::min(i, architecture.image().c - 1) : int64_t(said[size_t(i)]);
    return shown;
}

bool sees_grey(const Architecture& architecture) {
    bool any = false;
    for (const Layer& layer : architecture.layers) {
        if (std::ranges::count(layer.inputs, "input") == 0) continue;
        if (layer.kind != &kinds::grey) return false;
        any = true;
    }
    return any;
}

std::vector<std::string> trunk_layers(const Architecture& a) {
    if (a.layers.empty()) return {};
    std::string end = a.layers.back().name;
    if (!a.outputs.empty()) end = a.outputs[0];
    if (!a.logits.empty()) end = a.logits;
    // Backwards: how far on each layer that the end needs is taken.
    std::map<std::string, size_t> taken_by{{end, a.layers.size()}};
    for (size_t i = a.layers.size(); i-- > 0;)
        if (taken_by.contains(a.layers[i].name))
            for (const std::string& input : a.layers[i].inputs) taken_by.emplace(input, i);
    // Forwards: everything comes through a layer past which nothing earlier is taken.
    std::vector<std::string> trunk;
    size_t furthest = 0;
    for (size_t i = 0; i < a.layers.size(); i++) {
        const auto taken = taken_by.find(a.layers[i].name);
        if (taken == taken_by.end()) continue;
        if (furthest <= i && a.layers[i].kind->shown) trunk.push_back(a.layers[i].name);
        furthest = std::max(furthest, taken->second);
    }
    return trunk;
}

std::vector<std::string> default_layers(const Architecture& architecture, const std::string& purpose) {
    for (const std::string& said : {purpose, std::string()})
        if (const auto found = architecture.defaults.find(said); found != architecture.defaults.end())
            return found->second;
    const std::vector<std::string> trunk = trunk_layers(architecture);
    return trunk.empty() ? trunk : std::vector<std::string>{trunk.back()};
}

}  // namespace limpid
