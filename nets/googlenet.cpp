// Unrolls a variant's table into lines.
#include "nets/googlenet.h"

#include <algorithm>

#include "kernels/error.h"
#include "weights/attribute_text.h"

namespace limpid {

namespace {

class Unroller {
  public:
    Unroller(const GoogLeNetVariant& variant, int64_t classes) : variant_(variant), classes_(classes) {}

    std::string layers(bool auxiliary_heads) {
        std::string x = conv("conv2d0", "preprocessed", variant_.stem.conv2d0, variant_.stem.window, 2);
        x = pool("maxpool0", x, 3, 2);
        x = lrn("localresponsenorm0", x);
        x = conv("conv2d1", x, variant_.stem.conv2d1, 1);
        x = conv("conv2d2", x, variant_.stem.conv2d2, 3);
        x = lrn("localresponsenorm1", x);  // before the pool here, after it above
        x = pool("maxpool1", x, 3, 2);
        for (const InceptionRow& row : variant_.blocks) {
            if (row.name == "mixed4a") x = pool("maxpool4", x, 3, 2);
            if (row.name == "mixed5a") x = pool("maxpool10", x, 3, 2);
            x = inception(row, x);
            if (auxiliary_heads && row.name == "mixed4a") head("0", x);
            if (auxiliary_heads && row.name == "mixed4d") head("1", x);
        }
        x = line("avgpool0", "average_pool(", x, ", window=", variant_.last_map, ", other_maps=whole)");
        x = alias("avgpool0/reshape", x);
        classifier("2", x);
        if (auxiliary_heads) alias("output", "softmax0"), alias("output1", "softmax1");
        alias("output2", "softmax2");
        return std::move(text_);
    }

  private:
    template <class... Parts>
    std::string line(const std::string& name, const Parts&... call) {
        text_ += concat(name, " = ", call..., "\n");
        return name;
    }

    std::string conv(const std::string& name, const std::string& x, int64_t channels, int64_t window,
                     int64_t stride = 1) {
        return line(name, "conv(", x, ", channels=", channels, ", window=", window, ", stride=", stride,
                    pad(window / 2), ", activation=relu)");
    }

    std::string pool(const std::string& name, const std::string& x, int64_t window, int64_t stride) {
        // Caffe's strided pools are not padded.
        return line(name, "max_pool(", x, ", window=", window, ", stride=", stride, pad(stride == 1 ? window / 2 : 0),
                    variant_.caffe ? ", round=up)" : ")");
    }

    std::string pad(int64_t of_caffe) const { return variant_.caffe ? concat(", pad=", of_caffe) : ", pad=same"; }

    std::string lrn(const std::string& name, const std::string& x) {
        if (!variant_.lrn) return x;
        const LrnParameters& p = *variant_.lrn;
        return line(name, "lrn(", x, ", radius=", p.radius, ", bias=", number_text(p.bias),
                    ", alpha=", number_text(p.alpha), ", beta=", number_text(p.beta), ")");
    }

    std::string inception(const InceptionRow& row, const std::string& x) {
        const std::string m(row.name);
        conv(m + "_1x1", x, row.c1x1, 1);
        conv(m + "_3x3", conv(m + "_3x3_bottleneck", x, row.c3x3_bottleneck, 1), row.c3x3, 3);
        conv(m + "_5x5", conv(m + "_5x5_bottleneck", x, row.c5x5_bottleneck, 1), row.c5x5, 5);
        conv(m + "_pool_reduce", pool(m + "_pool", x, 3, 1), row.pool_reduce, 1);
        return line(m, "concat(", m, "_1x1, ", m, "_3x3, ", m, "_5x5, ", m, "_pool_reduce)");
    }

    void head(const std::string& k, const std::string& x) {
        line("head" + k + "_pool", "average_pool(", x, ", window=5, stride=3)");
        conv("head" + k + "_bottleneck", "head" + k + "_pool", 128, 1);
        line("nn" + k, "dense(head", k, "_bottleneck, channels=1024, activation=relu)");
        alias("nn" + k + "/reshape", "nn" + k);
        classifier(k, "nn" + k);
    }

    void classifier(const std::string& k, const std::string& x) {
        line("softmax" + k + "_pre_activation", "dense(", x, ", channels=", classes_, ")");
        line("softmax" + k, "softmax(softmax", k, "_pre_activation)");
    }

    std::string alias(const std::string& name, const std::string& of) { return line(name, "alias(", of, ")"); }

    const GoogLeNetVariant& variant_;
    const int64_t classes_;
    std::string text_;
};

// Of the article's sheets with all channels of a layer (Olah et al. 2018, sprite_<layer>_channel.jpeg).
constexpr struct {
    std::string_view layer;
    int64_t columns;
} kArticleColumns[] = {{"mixed3a", 16}, {"mixed3b", 21}, {"mixed4a", 22}, {"mixed4b", 22},
                       {"mixed4c", 22}, {"mixed4d", 22}, {"mixed4e", 28}, {"mixed5a", 28}};

// The layers of the article's figures.
constexpr const char* kArticleDefaults =
    "default: mixed4d\n"
    "default grad-cam: mixed5b\n"
    "default dictionary: mixed4d\n"
    "default groups: mixed4d\n"
    "default flow: mixed4a\n"
    "default grids: mixed3a, mixed4a, mixed4d, mixed5a\n"
    "default spatial: mixed3a, mixed4a, mixed4d, mixed5a\n"
    "default channels: mixed3b, mixed4a, mixed4b, mixed4c, mixed4d\n";

}  // namespace

std::string inception_text(const GoogLeNetVariant& variant, int64_t classes, bool auxiliary_heads,
                           const std::string& preprocessed) {
    const auto has = [&](std::string_view layer) {
        return std::ranges::count(variant.blocks, layer, &InceptionRow::name) > 0;
    };
    std::string columns;
    for (const auto& row : kArticleColumns)
        if (has(row.layer)) columns += concat(columns.empty() ? "" : ", ", row.layer, " ", row.columns);
    return concat("network: ", variant.title, "\nlogits: softmax2_pre_activation\n",
                  has("mixed4d") ? kArticleDefaults : "", "columns: ", columns,
                  "\ninput = image(size=", variant.image_size, ", channels=3)\n", preprocessed, "\n",
                  Unroller(variant, classes).layers(auxiliary_heads));
}

}  // namespace limpid
