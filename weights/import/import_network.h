// From an import graph to a network text (nets/architecture.h) and its parameters: passes that make the graph smaller
// (passes.h), then one operator after another (operators.h), then what commands look at.
#pragma once

#include <optional>

#include "weights/import/placement.h"
#include "weights/import_graph.h"
#include "weights/weights.h"

namespace limpid {

struct NetworkOptions {
    std::string title;       // what messages call the network
    std::string preprocess;  // as preprocess.h has it; "": by metadata, else guessed
    std::string shown;       // as ImportOptions has it
    int64_t size = 224;      // height and width where the file leaves them open
    // Of all parameters that the file does not hold, but makes by a rule (ConstantOfShape): 2^28 is 1 GiB.
    int64_t most_made_values = int64_t(1) << 28;
    // How every input of the graph lies in an image of the network, by name. Empty: the network takes one picture, as
    // it was prepared; what depends on other inputs cannot be read.
    std::map<std::string, Placement> inputs;
};

// An output of the graph that can be computed.
struct ImportedOutput {
    std::string name;
    Placement view;                        // where its elements lie
    std::optional<ImportTensor> constant;  // it depends on no input; `view` is empty
};

struct ImportedNetwork {
    std::string text;
    std::map<std::string, HostTensor> parameters;
    std::map<std::string, std::string> inputs;  // the layer of each input of the graph that the network takes
    std::vector<ImportedOutput> outputs;
    int64_t classes = 0;             // channels of the logits; 0: there are none
    int64_t channels = 0;            // of the picture
    bool own = false;                // this program has written the model
    std::string labels;              // a line for each class, as the file's metadata says them; empty: it does not
    std::string unread;              // operators that cannot be read, with the reasons; empty: all can
    std::vector<std::string> notes;  // what was guessed, and what was left out
};

// Operators that cannot be read, with all that depends on them, are left out, and a note lists them with the reasons.
// Throws Error where the graph has no image.
ImportedNetwork import_network(ImportGraph graph, const NetworkOptions& options);

// Throws Error, which lists what was not read, where no convolution or matrix is: nothing that people look at.
void check_has_filters(const ImportedNetwork& network);

}  // namespace limpid
