// Known preprocessings by name.
#include "weights/import/preprocess.h"

#include <algorithm>

#include "kernels/error.h"
#include "weights/bytes.h"

namespace limpid {
namespace {

struct Named {
    const char *name, *settings;
    int64_t channels;  // 0: any
};
constexpr Named kNamed[] = {
    // torchvision.transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]): 1/std, and mean/std.
    {"torchvision", "scale=4.366812 4.464286 4.4444447, mean=2.117904 2.0357144 1.8044444", 3},
    {"caffe", "order=2 1 0, scale=255, mean=104.00699 116.66877 122.678914", 3},
    {"tensorflow", "scale=2, mean=1", 0},
    {"none", "", 0},
};

}  // namespace

std::string preprocessing_settings(const std::string& asked, int64_t channels) {
    std::string names;
    for (const Named& named : kNamed) {
        names += concat(names.empty() ? "" : ", ", named.name);
        if (asked != named.name) continue;
        if (named.channels != 0 && named.channels != channels)
            throw UsageError(concat("--preprocess ", asked, ": is of ", named.channels, " channels, the network takes ",
                                    channels, "; say none, or scale=...; mean=..."));
        return named.settings;
    }
    if (asked.find('=') == asked.npos || asked.find_first_of("()#\"\n") != asked.npos || asked.size() > 100000)
        throw UsageError(concat("--preprocess ", printable(asked), ": is not known; expected ", names,
                                ", or settings as in \"scale=255; mean=104 117 123; order=2 1 0\""));
    std::string settings = asked;
    std::ranges::replace(settings, ';', ',');
    while (settings.ends_with(',') || settings.ends_with(' ')) settings.pop_back();
    return settings;
}

AssumedPreprocessing assumed_preprocessing(const std::map<std::string, std::string>& metadata, int64_t channels) {
    const auto says = [&](const char* key, std::string_view value) {
        const auto found = metadata.find(key);
        return found != metadata.end() && found->second == value;
    };
    // Of ONNX's image metadata: numbers of that range; of 0 to 255, where none is said, as Windows ML feeds them.
    const bool rgb = says("Image.BitmapPixelFormat", "Rgb8") && channels == 3,
               grey = says("Image.BitmapPixelFormat", "Gray8") && channels == 1;
    if ((rgb || grey) && says("Image.NominalPixelRange", "Normalized_0_1")) return {"", ""};
    if ((rgb || grey) && says("Image.NominalPixelRange", "Normalized_1_1")) return {"scale=2, mean=1", ""};
    if (says("Image.BitmapPixelFormat", "Bgr8") && channels == 3) return {"order=2 1 0, scale=255", ""};
    if (rgb || grey) return {"scale=255", ""};
    const char* guess = channels == 3 ? "torchvision" : "none";
    return {preprocessing_settings(guess, channels),
            concat("the file does not say how pictures are prepared; guessed ", guess,
                   "; if that is wrong, say --preprocess torchvision, caffe, tensorflow, none or \"scale=...; "
                   "mean=...\"")};
}

}  // namespace limpid
