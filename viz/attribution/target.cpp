// One function per kind of term; text on the way in and out.
#include "viz/attribution/target.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "kernels/elementary.h"
#include "kernels/error.h"
#include "viz/calls/place.h"

namespace limpid {

namespace {

constexpr const char* kTargetForms =
    "expected class:LABEL, logsumexp, LAYER:CHANNEL or LAYER:ROW,COLUMN; several are joined by \" + \" and \" - \"";

bool parse_count(std::string_view text, int64_t& value) {
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, value);
    return parsed.ec == std::errc() && parsed.ptr == end && value >= 0;
}

Target::Term parse_term(const Net& net, const std::string& text, std::string& layer) {
    Target::Term term;
    term.text = text;
    const size_t colon = text.find(':');
    if (text == "logsumexp" || text.starts_with("class:")) {
        if (net.logits.empty()) throw UsageError(concat(net.name, " has no classes"));
        layer = net.logits;
        term.kind = colon == text.npos ? Target::Kind::log_sum_exp : Target::Kind::logit;
        if (term.kind == Target::Kind::logit) term.channel = find_class(net, text.substr(colon + 1));
        return term;
    }
    if (colon == text.npos || colon == 0) throw UsageError(kTargetForms);
    layer = text.substr(0, colon);
    const std::string place = text.substr(colon + 1);
    const size_t comma = place.find(',');
    bool ok = false;
    if (comma == place.npos) {
        term.kind = Target::Kind::channel;
        ok = parse_count(place, term.channel);
    } else {
        term.kind = Target::Kind::position;
        ok = parse_count(std::string_view(place).substr(0, comma), term.y) &&
             parse_count(std::string_view(place).substr(comma + 1), term.x);
    }
    if (!ok) throw UsageError(kTargetForms);
    return term;
}

// Logits lie in one pixel; log sum exp of anything else has no use.
struct Exponentials {
    double most = 0, sum = 0;
    explicit Exponentials(ConstView logits) {
        most = *std::max_element(logits.data, logits.data + logits.shape.c);
        for (int64_t c = 0; c < logits.shape.c; c++) sum += elementary::exp(double(logits.data[c]) - most);
    }
};

double norm(ConstView a, int64_t y, int64_t x) {
    double sum = 0;
    const float* pixel = a.pixel(0, y, x);
    for (int64_t c = 0; c < a.shape.c; c++) sum += double(pixel[c]) * double(pixel[c]);
    return std::sqrt(sum);
}

}  // namespace

Target parse_target(const Net& net, const std::string& text) {
    Target target;
    const auto whole = std::make_shared<const std::string>(text);
    size_t begin = 0;
    float sign = 1;
    while (true) {
        const size_t plus = text.find(" + ", begin), minus = text.find(" - ", begin);
        const size_t end = std::min(plus, minus);
        std::string layer;
        Target::Term term = with_context(TextPlace{"target", whole, begin}.print(),
                                         [&] { return parse_term(net, text.substr(begin, end - begin), layer); });
        term.sign = sign;
        if (!target.terms.empty() && layer != target.layer)
            throw UsageError(concat("target \"", text, "\": its terms are of ", target.layer, " and of ", layer,
                                    "; expected one layer"));
        target.layer = layer;
        target.terms.push_back(term);
        if (end == text.npos) return target;
        sign = end == minus ? -1.0f : 1.0f;
        begin = end + 3;
    }
}

std::string to_string(const Target& target) {
    std::string text;
    for (const Target::Term& term : target.terms)
        text += concat(text.empty() ? "" : term.sign < 0 ? " - " : " + ", term.text);
    return text;
}

Target class_target(const Net& net, int64_t index) { return parse_target(net, concat("class:", index)); }

void check_target(const Target& target, Shape s) {
    for (const Target::Term& term : target.terms) {
        if (term.kind == Target::Kind::channel && term.channel >= s.c)
            throw UsageError(concat("target ", term.text, ": ", target.layer, " has channels 0 to ", s.c - 1));
        if (term.kind == Target::Kind::position && (term.y >= s.h || term.x >= s.w))
            throw UsageError(concat("target ", term.text, ": ", target.layer, " has rows 0 to ", s.h - 1,
                                    " and columns 0 to ", s.w - 1));
    }
}

double value(const Target& target, ConstView a) {
    double sum = 0;
    for (const Target::Term& term : target.terms) {
        double v = 0;
        switch (term.kind) {
            case Target::Kind::logit:
            case Target::Kind::channel:
                for (int64_t y = 0; y < a.shape.h; y++)
                    for (int64_t x = 0; x < a.shape.w; x++) v += double(a.at(0, y, x, term.channel));
                break;
            case Target::Kind::log_sum_exp: {
                const Exponentials exponentials(a);
                v = exponentials.most + elementary::log(exponentials.sum);
                break;
            }
            case Target::Kind::position:
                v = norm(a, term.y, term.x);
                break;
        }
        sum += double(term.sign) * v;
    }
    return sum;
}

void write_derivative(const Target& target, ConstView a, MutView derivative) {
    for (int64_t y = 0; y < a.shape.h; y++)
        for (int64_t x = 0; x < a.shape.w; x++) std::fill_n(derivative.pixel(0, y, x), a.shape.c, 0.0f);
    for (const Target::Term& term : target.terms) {
        switch (term.kind) {
            case Target::Kind::logit:
            case Target::Kind::channel:
                for (int64_t y = 0; y < a.shape.h; y++)
                    for (int64_t x = 0; x < a.shape.w; x++) derivative.at(0, y, x, term.channel) += term.sign;
                break;
            case Target::Kind::log_sum_exp: {
                const Exponentials e(a);
                for (int64_t c = 0; c < a.shape.c; c++)
                    derivative.data[c] += term.sign * float(elementary::exp(double(a.data[c]) - e.most) / e.sum);
                break;
            }
            case Target::Kind::position: {
                const double length = norm(a, term.y, term.x);
                if (length == 0) break;
                const float* from = a.pixel(0, term.y, term.x);
                float* to = derivative.pixel(0, term.y, term.x);
                for (int64_t c = 0; c < a.shape.c; c++) to[c] += term.sign * float(double(from[c]) / length);
                break;
            }
        }
    }
}

}  // namespace limpid
