// What every command shares: help, version, exit statuses, one line per error.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/end_to_end/program.h"

namespace limpid::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(CommandLine, HelpNamesEveryCommandAndGoesToStdout) {
    const Finished run = run_limpid({"--help"});
    EXPECT_EQ(run.status, 0);
    EXPECT_EQ(run.err, "");
    for (const char* command :
         {"classify", "convert", "devices", "fetch", "gradcheck", "info", "recipe", "render", "sheet"})
        EXPECT_THAT(run.out, HasSubstr(std::string("\n  ") + command + " "));
    EXPECT_EQ(run_limpid({"help"}).out, run.out);
    EXPECT_EQ(run_limpid({"-h"}).out, run.out);
}

TEST(CommandLine, EveryCommandOfTheHelpHasHelp) {
    const std::string help = run_limpid({"--help"}).out;
    std::istringstream lines(help.substr(help.find("Commands:\n") + 10));
    int commands = 0;
    for (std::string line; std::getline(lines, line) && line.starts_with("  "); commands++) {
        const std::string name = line.substr(2, line.find(' ', 2) - 2);
        const Finished run = run_limpid({name, "--help"});
        EXPECT_EQ(run.status, 0) << name;
        EXPECT_EQ(run.err, "") << name;
        EXPECT_THAT(run.out, HasSubstr("Usage: limpid " + name));
        EXPECT_EQ(run_limpid({"help", name}).out, run.out);
    }
    EXPECT_GE(commands, 6);
}

TEST(CommandLine, VersionNamesBuildAndDevices) {
    const Finished run = run_limpid({"--version"});
    EXPECT_EQ(run.status, 0);
    EXPECT_THAT(run.out, StartsWith("limpid "));
    for (const char* words : {"commit ", "compilers: ", "devices: ", "cpu:portable", "reference"})
        EXPECT_THAT(run.out, HasSubstr(words));
}

TEST(CommandLine, WrongUsageIsStatus2AndOneLine) {
    EXPECT_TRUE(fails_with(2, "no command given; see limpid --help", run_limpid({})));
    EXPECT_TRUE(fails_with(2, "did you mean devices, ", run_limpid({"devcies"})));
    EXPECT_TRUE(fails_with(2, "\"xylophone\" is not a command of limpid; did you mean ", run_limpid({"xylophone"})));
    EXPECT_TRUE(fails_with(2, "\"\" is not a command", run_limpid({""})));
    EXPECT_TRUE(fails_with(2, "before the command", run_limpid({"--quiet", "devices"})));
    EXPECT_TRUE(fails_with(2, "did you mean --json or ", run_limpid({"devices", "--jason"})));
    EXPECT_TRUE(fails_with(2, "devices: found everything, which it does not take; see limpid devices --help",
                           run_limpid({"devices", "everything"})));
    EXPECT_TRUE(fails_with(2, "classify: found --steps 4, which it does not take; did you mean --",
                           run_limpid({"classify", "a.png", "--steps", "4"})));
    EXPECT_TRUE(fails_with(2, "is not a command", run_limpid({"help", "xylophone"})));
}

TEST(CommandLine, NotesBeginWithTheCommand) {
    const TemporaryFolder folder;
    const std::string picture = folder.path() + "/texture.png";
    EXPECT_THAT(run_limpid({"render", "texture:1", "--net", "tiny", "--size", "16", "--steps", "1", "-o", picture}).err,
                StartsWith("limpid render: "));
    const Finished run = run_limpid(
        {"activations", picture, "--net", "tiny", "--layer", "texture", "-o", folder.path() + "/texture.h5"});
    EXPECT_EQ(run.status, 0);
    EXPECT_THAT(run.err, StartsWith("limpid activations: tiny "));
}

TEST(CommandLine, ControlCharactersDoNotReachTheTerminal) {
    EXPECT_TRUE(fails_with(2, "\"two?lines?[31m\" is not", run_limpid({"two\nlines\033[31m"})));
}

// Every option of every command: what is no number, or is none that it can hold, is refused in one readable line.
TEST(CommandLine, NumbersAreExactOrRefused) {
    const std::string help = run_limpid({"--help"}).out;
    std::istringstream commands(help.substr(help.find("Commands:\n") + 10));
    int options = 0;
    for (std::string line; std::getline(commands, line) && line.starts_with("  ");) {
        const std::string command = line.substr(2, line.find(' ', 2) - 2);
        std::istringstream lines(run_limpid({command, "--help"}).out);
        for (std::string text; std::getline(lines, text);) {
            const size_t name = text.find("--");
            if (name == std::string::npos ||
                text.substr(0, name).find_first_not_of(" -,abcdefghijklmnopqrstuvwxyz") != std::string::npos)
                continue;
            const std::string option = text.substr(name, text.find(' ', name) - name);
            const std::string type = text.substr(std::min(text.find(' ', name) + 1, text.size()));
            if (!type.starts_with("UINT") && !type.starts_with("INT") && !type.starts_with("FLOAT")) continue;
            options++;
            std::vector<std::string> wrong{"nan", "1x", "", "1e999"};
            if (type.starts_with("UINT")) wrong.insert(wrong.end(), {"-1", "18446744073709551616"});
            if (type.find("POSITIVE") != std::string::npos) wrong.insert(wrong.end(), {"0", "-0.5"});
            for (const std::string& value : wrong) {
                const Finished run = run_limpid({command, option + "=" + value});
                EXPECT_TRUE(fails_with(2, option, run)) << command << " " << option << "=" << value;
                EXPECT_LT(run.err.size(), 200u) << run.err;
            }
        }
    }
    EXPECT_GE(options, 60);
}

TEST(CommandLine, FullDiskIsAnError) {
    EXPECT_TRUE(fails_with(1, "standard output cannot be written", run_limpid({"devices"}, {}, 60, "/dev/full")));
}

TEST(Devices, JsonListsEachDeviceOnce) {
    const Finished run = run_limpid({"devices", "--json"});
    ASSERT_EQ(run.status, 0) << run.err;
    const nlohmann::json list = nlohmann::json::parse(run.out);
    std::map<std::string, bool> available;
    for (const auto& entry : list) {
        EXPECT_TRUE(available.emplace(entry.at("name"), entry.at("available")).second) << entry;
        EXPECT_NE(entry.at("note"), "") << entry;
    }
    EXPECT_TRUE(available.at("cpu:portable"));
    EXPECT_TRUE(available.at("reference"));
    EXPECT_EQ(available.count("cuda:0"), 1u);
}

}  // namespace
}  // namespace limpid::testing
