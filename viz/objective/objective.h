// What a picture is optimised for: an immutable expression of terms that prints, parses, compares, and adds its score
// to a graph (Olah et al. 2017; Lucid, objectives.py).
//
//   mixed4a:476 - 1e2*diversity(mixed5a) + 0.5*neuron(mixed4b, 12, row=5, column=3)
//
//   sum      := product { (+|-) product }
//   product  := factor { * factor }
//   factor   := - factor | number | ( sum ) | sum( sum {, sum} ) | LAYER:CHANNEL | class:LABEL | TERM( arguments )
//   argument := value | name = value        a value with , ( ) = " or spaces at its ends is quoted: "a, b"
// LAYER:CHANNEL is short for channel(LAYER, CHANNEL), class:LABEL for class_logit(LABEL). The terms are the table in
// terms.h.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "nets/net.h"
#include "viz/calls/place.h"

namespace limpid {

struct Term;
using TermTable = std::vector<std::shared_ptr<const Term>>;
const TermTable& known_terms();

// The value of an argument: channel and other counts, numbers, or text (layers, labels, files).
using Argument = std::variant<int64_t, double, std::string>;

class Objective {
  public:
    enum class Kind { number, term, negate, add, subtract, multiply, sum };

    Objective();  // the number 0
    // Negative numbers are the negation of a number, as they are when parsed.
    static Objective number(double value);
    // Throws UsageError when an argument is missing, unknown or of the wrong kind. place: in the text that it was
    // parsed from, and old_form, whether by former names of arguments: no parts of its value.
    static Objective term(std::shared_ptr<const Term> term, std::map<std::string, Argument> arguments,
                          TextPlace place = {}, bool old_form = false);
    static Objective sum(std::vector<Objective> parts);

    Kind kind() const;
    double value() const;                                      // of a number
    const Term& term() const { return *shared_term(); }        // of a term
    const std::shared_ptr<const Term>& shared_term() const;    // its row of the table
    const std::map<std::string, Argument>& arguments() const;  // of a term, those that were given
    bool old_form() const;                                     // of a term
    // What errors about a term begin with: its place, or itself where it has none.
    std::string where() const;
    const std::vector<Objective>& parts() const;

    bool operator==(const Objective& other) const;
    friend Objective operator-(const Objective& a);
    friend Objective operator+(const Objective& a, const Objective& b);
    friend Objective operator-(const Objective& a, const Objective& b);
    friend Objective operator*(const Objective& a, const Objective& b);

  private:
    struct Node;
    explicit Objective(std::shared_ptr<const Node> node) : node_(std::move(node)) {}
    static Objective join(Kind kind, std::vector<Objective> parts);
    std::shared_ptr<const Node> node_;
};

// parse_objective(to_string(o)) == o. Throws UsageError that says in which column the mistake is, and the nearest known
// name. Other terms than Lucid's: a table with more rows.
Objective parse_objective(const std::string& text, const TermTable& terms = known_terms());
std::string to_string(const Objective& objective);

// Where some were written with former names of arguments: what was read, and how the first of them is written now, in
// one sentence. Otherwise "".
std::string old_form_note(std::span<const Objective> objectives);

// The value of a number or of the negation of one; of anything else nothing.
std::optional<double> literal(const Objective& objective);

// Whether each image of a batch has its own score, which knows nothing of the others. Not so with terms that compare
// images (diversity, alignment, dot_compare, ...) or name one (batch=): the batch then has one score.
bool per_image(const Objective& objective);
// Whether the score depends on the number of the update (decay, only_after).
bool depends_on_step(const Objective& objective);
// The files that its terms name, in their order.
std::vector<std::string> files_of(const Objective& objective);
// Whether a and b differ only in numbers, and in the channels, positions, classes and directions of their terms: such
// objectives can be scored together, each for an image of a batch.
bool same_form(const Objective& a, const Objective& b);

// What an objective keeps from update to update (moving averages): its nodes before an update, inputs that begin
// as zeros, and after it.
struct ObjectiveMemory {
    std::vector<NodeId> before, after;
};

// The score, to be maximised. Per image: {N,1,1,1}; Lucid takes the mean over the batch, here every image has its own
// score, so that its gradient does not depend on its neighbours. Otherwise {1,1,1,1}, with Lucid's mean or sum over the
// batch for terms that are of one image.
// `layers` are those of the transformed view, but layers["input"] is the image before the transforms, as in Lucid.
// `step`: the number of the update, {1,1,1,1} or {N,1,1,1}; needed where depends_on_step.
// `memory`: what is kept is appended there; null: as in the first update, whose averages are the values themselves.
// Throws UsageError, with the place of the term and the nearest known names, when layer, channel, position or class do
// not exist or its arguments do not fit; Error when a file of the term is at fault.
NodeId score(Graph& graph, const Objective& objective, const Net& net, const Layers& layers, NodeId step = {},
             ObjectiveMemory* memory = nullptr);

// What objectives of one form share, as text: equal for a and b where same_form(a, b).
std::string form(const Objective& objective);

// What differs between objectives of one form, as inputs of a graph: the values have a row for each image, which
// depends on that image's objective alone.
struct ObjectiveInputs {
    std::vector<NodeId> nodes;
    std::vector<HostTensor> values;
};

// One objective for each image, all of the same form and per image: {N,1,1,1}, in one pass, with the bits that each
// image has alone. With `inputs`, what may differ is fed at each run, so that one graph serves all objectives of the
// form; the values of these objectives are in `inputs` too.
NodeId scores(Graph& graph, std::span<const Objective> one_per_image, const Net& net, const Layers& layers,
              NodeId step = {}, ObjectiveInputs* inputs = nullptr);

}  // namespace limpid
