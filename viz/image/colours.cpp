// Colour profiles by Little CMS, in a context of each picture's own.
#include "viz/image/colours.h"

#include <lcms2.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace limpid {

namespace {

constexpr double kSrgbGamma = 0.45455;
constexpr std::array<double, 8> kSrgbChromaticities = {0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06};

struct Close {
    void operator()(void* profile) const { cmsCloseProfile(profile); }
    void operator()(cmsToneCurve* curve) const { cmsFreeToneCurve(curve); }
};
using Profile = std::unique_ptr<void, Close>;
using Curve = std::unique_ptr<cmsToneCurve, Close>;

// What a profile is of.
enum class Kind { kGrey, kRgb, kCmyk, kOther };

Kind kind_of(cmsHPROFILE profile) {
    const cmsProfileClassSignature use = cmsGetDeviceClass(profile);
    if (use != cmsSigInputClass && use != cmsSigDisplayClass && use != cmsSigOutputClass &&
        use != cmsSigColorSpaceClass)
        return Kind::kOther;
    switch (cmsGetColorSpace(profile)) {
        case cmsSigGrayData:
            return Kind::kGrey;
        case cmsSigRgbData:
            return Kind::kRgb;
        case cmsSigCmykData:
            return Kind::kCmyk;
        default:
            return Kind::kOther;
    }
}

std::string name_of(cmsHPROFILE profile) {
    char name[64] = "";
    cmsGetProfileInfoASCII(profile, cmsInfoDescription, "en", "US", name, sizeof(name));
    return concat('"', printable(name), '"');
}

cmsUInt32Number format_of(Samples samples, bool deep) {
    switch (samples) {
        case Samples::kGrey:
            return deep ? TYPE_GRAY_16 : TYPE_GRAY_8;
        case Samples::kGreyAlpha:
            return deep ? TYPE_GRAYA_16 : TYPE_GRAYA_8;
        case Samples::kRgb:
            return deep ? TYPE_RGB_16 : TYPE_RGB_8;
        case Samples::kRgba:
            return deep ? TYPE_RGBA_16 : TYPE_RGBA_8;
        case Samples::kCmyk:
            return TYPE_CMYK_8_REV;
    }
    return 0;
}

Curve curve_of(cmsContext context, double gamma) {
    const double srgb[] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};
    // A twentieth is libpng's threshold: 1/2.2 has always been written for sRGB.
    const bool is_srgb = std::abs(gamma / kSrgbGamma - 1) < 0.05;
    return Curve(is_srgb ? cmsBuildParametricToneCurve(context, 4, srgb) : cmsBuildGamma(context, 1 / gamma));
}

Profile grey_profile(cmsContext context, double gamma) {
    const Curve curve = curve_of(context, gamma);
    return Profile(curve ? cmsCreateGrayProfileTHR(context, cmsD50_xyY(), curve.get()) : nullptr);
}

Profile rgb_profile(cmsContext context, double gamma, const std::array<double, 8>& xy) {
    const Curve curve = curve_of(context, gamma);
    const cmsCIExyY white{xy[0], xy[1], 1};
    const cmsCIExyYTRIPLE primaries{{xy[2], xy[3], 1}, {xy[4], xy[5], 1}, {xy[6], xy[7], 1}};
    cmsToneCurve* curves[] = {curve.get(), curve.get(), curve.get()};
    return Profile(curve ? cmsCreateRGBProfileTHR(context, &white, &primaries, curves) : nullptr);
}

Profile profile_of(cmsContext context, const ColourTags& tags, bool grey) {
    if (!tags.profile.empty())
        return Profile(cmsOpenProfileFromMemTHR(context, tags.profile.data(), cmsUInt32Number(tags.profile.size())));
    const double gamma = tags.gamma.value_or(kSrgbGamma);
    if (!(gamma >= 0.01 && gamma <= 100)) return nullptr;
    // The white of grey is white, whatever its colour.
    return grey ? grey_profile(context, gamma)
                : rgb_profile(context, gamma, tags.chromaticities.value_or(kSrgbChromaticities));
}

}  // namespace

struct ColourConverter::Transform {
    Transform() = default;
    ~Transform() {
        if (handle) cmsDeleteTransform(handle);
        cmsDeleteContext(context);
    }
    Transform(const Transform&) = delete;
    Transform& operator=(const Transform&) = delete;
    cmsContext context = cmsCreateContext(nullptr, nullptr);
    cmsHTRANSFORM handle = nullptr;
};

namespace {

// exact: lcms2 else puts tables in place of the formulas, which are quick, and a level or two off with 16 bits.
cmsHTRANSFORM make_transform(cmsContext context, cmsHPROFILE from, cmsUInt32Number from_format, cmsUInt32Number format,
                             bool exact) {
    const bool grey = T_COLORSPACE(format) == PT_GRAY;
    const Profile srgb = grey ? grey_profile(context, kSrgbGamma) : Profile(cmsCreate_sRGBProfileTHR(context));
    return cmsCreateTransformTHR(context, from, from_format, srgb.get(), format, INTENT_PERCEPTUAL,
                                 cmsFLAGS_COPY_ALPHA | (exact ? cmsFLAGS_NOOPTIMIZE : 0));
}

// Whether the profile leaves all of 16 (grey: 256) levels of each channel as they are, within two.
bool is_srgb(cmsContext context, cmsHPROFILE profile, bool grey) {
    const cmsUInt32Number format = grey ? TYPE_GRAY_8 : TYPE_RGB_8;
    std::vector<uint8_t> levels;
    for (int i = 0; i < (grey ? 256 : 4096); i++) {
        if (grey)
            levels.push_back(uint8_t(i));
        else
            for (const int shift : {0, 4, 8}) levels.push_back(uint8_t((i >> shift & 15) * 17));
    }
    cmsHTRANSFORM transform = make_transform(context, profile, format, format, true);
    if (!transform) return false;
    std::vector<uint8_t> shown(levels.size());
    cmsDoTransform(transform, levels.data(), shown.data(), cmsUInt32Number(levels.size() / (grey ? 1 : 3)));
    cmsDeleteTransform(transform);
    return std::ranges::equal(levels, shown, [](uint8_t a, uint8_t b) { return std::abs(a - b) <= 2; });
}

// Grey as equal channels, with its opacity.
template <class Sample>
void spread_grey(const std::byte* from, std::byte* to, int64_t pixels, bool alpha) {
    const size_t size = sizeof(Sample);
    for (int64_t i = 0; i < pixels; i++, from += size * (alpha ? 2 : 1)) {
        for (int c = 0; c < 3; c++, to += size) std::memcpy(to, from, size);
        if (!alpha) continue;
        std::memcpy(to, from + size, size);
        to += size;
    }
}

// Without a profile: what is not absorbed by ink, nor by black.
void multiply_inks(const std::byte* from, std::byte* to, int64_t pixels) {
    for (int64_t i = 0; i < pixels; i++, from += 4)
        for (int c = 0; c < 3; c++)
            *to++ = std::byte((std::to_integer<int>(from[c]) * std::to_integer<int>(from[3]) + 127) / 255);
}

}  // namespace

ColourConverter::ColourConverter(const StoredPicture& picture)
    : from_(picture.samples), to_(picture.samples), deep_(picture.deep), pixels_(picture.w) {
    const ColourTags& tags = picture.colours;
    if (from_ == Samples::kCmyk) to_ = Samples::kRgb;
    if (!tags.profile.empty() || tags.gamma || tags.chromaticities) {
        auto transform = std::make_unique<Transform>();
        cmsContext context = transform->context;
        const Profile profile = profile_of(context, tags, is_grey(from_));
        const char* remedy = "; remove the profile, or convert the picture to sRGB";
        if (!profile)
            throw Error(concat("its colour profile (", tags.profile.empty() ? "gAMA and cHRM" : "ICC",
                               ") cannot be read, expected a valid one", remedy));
        const Kind kind = kind_of(profile.get());
        if (from_ == Samples::kCmyk ? kind != Kind::kCmyk
                                    : kind != Kind::kRgb && !(kind == Kind::kGrey && is_grey(from_)))
            throw Error(concat("its colour profile ", name_of(profile.get()), " is not for ",
                               from_ == Samples::kCmyk ? "CMYK"
                               : is_grey(from_)        ? "grey"
                                                       : "RGB",
                               ", as its pixels are", remedy));
        if (kind == Kind::kCmyk || !is_srgb(context, profile.get(), kind == Kind::kGrey)) {
            Samples source = from_;
            if (is_grey(from_) && kind == Kind::kRgb) source = has_alpha(from_) ? Samples::kRgba : Samples::kRgb;
            if (kind != Kind::kCmyk) to_ = source;
            transform->handle =
                make_transform(context, profile.get(), format_of(source, deep_), format_of(to_, deep_), deep_);
            if (!transform->handle)
                throw Error(concat("its colour profile ", name_of(profile.get()),
                                   " leads to no colours, expected a valid one", remedy));
            transform_ = std::move(transform);
            spreads_ = source != from_;
        }
    }
}

ColourConverter::~ColourConverter() = default;

const std::byte* ColourConverter::convert(const std::byte* row) {
    if (!transform_ && from_ != Samples::kCmyk) return row;
    const size_t row_bytes = (size_t(pixels_) << int(deep_)) * size_t(channels_of(to_));
    row_.resize(row_bytes);
    if (!transform_) {
        multiply_inks(row, row_.data(), pixels_);
        return row_.data();
    }
    if (spreads_) {
        spread_.resize(row_bytes);
        (deep_ ? spread_grey<uint16_t> : spread_grey<uint8_t>)(row, spread_.data(), pixels_, has_alpha(from_));
        row = spread_.data();
    }
    cmsDoTransform(transform_->handle, row, row_.data(), cmsUInt32Number(pixels_));
    return row_.data();
}

}  // namespace limpid
