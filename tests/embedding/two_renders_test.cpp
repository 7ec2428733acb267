// A program that loads limpid as a plug-in and renders in several threads at once: the renders do not meet. Built with
// ThreadSanitizer, too (tools/dev test), which fails the test where they share anything that one of them writes.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <array>
#include <thread>
#include <vector>

#include "tests/embedding/plugin.h"

namespace {

using Picture = std::array<float, size_t(kPluginSide) * kPluginSide * 3>;

class Plugin : public ::testing::Test {
  protected:
    void SetUp() override {
        library_ = dlopen(LIMPID_PLUGIN, RTLD_NOW | RTLD_LOCAL);
        ASSERT_TRUE(library_) << dlerror();
        render_ = reinterpret_cast<decltype(&plugin_render)>(dlsym(library_, "plugin_render"));
        ASSERT_TRUE(render_) << dlerror();
    }
    ~Plugin() override {
        if (library_) dlclose(library_);
    }

    Picture render(int64_t unit, uint64_t seed) const {
        Picture picture{};
        char message[200] = "";
        EXPECT_TRUE(render_(unit, seed, picture.data(), message)) << message;
        return picture;
    }

    void* library_ = nullptr;
    decltype(&plugin_render) render_ = nullptr;
};

TEST_F(Plugin, RendersInSeveralThreadsAtOnce) {
    constexpr int kRenders = 4;
    std::vector<Picture> alone, beside(kRenders);
    for (int i = 0; i < kRenders; i++) alone.push_back(render(i, uint64_t(i)));
    EXPECT_NE(alone[0], alone[1]);
    std::vector<std::thread> threads;
    for (int i = 0; i < kRenders; i++) threads.emplace_back([&, i] { beside[size_t(i)] = render(i, uint64_t(i)); });
    for (std::thread& thread : threads) thread.join();
    for (size_t i = 0; i < kRenders; i++) EXPECT_EQ(alone[i], beside[i]) << "render " << i;
}

TEST_F(Plugin, MistakesArriveAsErrors) {
    Picture picture{};
    char message[200] = "";
    EXPECT_FALSE(render_(4000, 0, picture.data(), message));
    EXPECT_NE(std::string(message).find("4000"), std::string::npos) << message;
}

}  // namespace
