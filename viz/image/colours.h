// From the colours that a file says it has to sRGB, which networks were trained on.
#pragma once

#include <memory>

#include "viz/image/stored_picture.h"

namespace limpid {

// Rows of one picture. Samples that are sRGB within two levels of 255, said or not, keep their bits; other ICC
// profiles, and PNG's gAMA and cHRM, are converted by lcms2 (perceptual intent); CMYK without a profile is multiplied
// out as every viewer does. Throws Error where a profile cannot be read or is of another kind of picture: what its
// colours are is not known then.
class ColourConverter {
  public:
    explicit ColourConverter(const StoredPicture& picture);
    ~ColourConverter();

    Samples samples() const { return to_; }  // what convert() gives
    // The row itself where nothing is to be converted; otherwise one that is kept until the next call.
    const std::byte* convert(const std::byte* row);

  private:
    struct Transform;

    Samples from_, to_;
    bool deep_;
    int64_t pixels_;
    std::unique_ptr<Transform> transform_;
    bool spreads_ = false;  // grey becomes RGB first
    std::vector<std::byte> spread_, row_;
};

}  // namespace limpid
