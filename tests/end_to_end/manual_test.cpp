// The manual page and the completions say what the options are, in the forms that man and shells take.
#include <cstdlib>

#include "tests/end_to_end/program.h"

namespace limpid::testing {
namespace {

std::string manual(const std::string& form) {
    const Finished run = run_limpid({"manual", "--as", form});
    EXPECT_EQ(run.status, 0) << run.err;
    EXPECT_EQ(run.err, "");
    return run.out;
}

bool installed(const std::string& program) {
    return std::system(("command -v " + program + " > /dev/null 2>&1").c_str()) == 0;
}

// What a shell prints of a script.
std::string output_of(const TemporaryFolder& folder, const std::string& shell, const std::string& script) {
    write_text(folder / "script", script);
    const int status = std::system((shell + " " + (folder / "script") + " > " + (folder / "out") + " 2>&1").c_str());
    EXPECT_EQ(status, 0) << read_text(folder / "out");
    return read_text(folder / "out");
}

TEST(Manual, ThePageNamesEveryCommandAndIsSoundRoff) {
    const std::string page = manual("man");
    EXPECT_TRUE(page.starts_with(".TH LIMPID 1 "));
    for (const char* words :
         {".SS limpid render", ".SS limpid attribute", "\\-\\-weights", "LIMPID_MODELS", ".SH PROGRESS",
          "images_per_hour, pictures", ".SH EXIT STATUS", "Default: dictionary.png."})
        EXPECT_NE(page.find(words), std::string::npos) << words;
    if (!installed("groff")) GTEST_SKIP() << "groff is not installed";
    const TemporaryFolder folder;
    write_text(folder / "limpid.1", page);
    EXPECT_EQ(std::system(("groff -man -Tascii -P-cbou -ww " + (folder / "limpid.1") + " > " + (folder / "text") +
                           " 2> " + (folder / "warnings"))
                              .c_str()),
              0);
    EXPECT_EQ(read_text(folder / "warnings"), "");
    EXPECT_NE(read_text(folder / "text").find("limpid render UNIT"), std::string::npos);
}

TEST(Manual, BashCompletesCommandsOptionsAndWords) {
    const TemporaryFolder folder;
    write_text(folder / "completion", manual("bash"));
    const auto complete = [&](const std::string& words, const std::string& index) {
        return output_of(folder, "bash",
                         "source " + (folder / "completion") + "\nCOMP_WORDS=(limpid " + words +
                             ") COMP_CWORD=" + index + "\n_limpid\nprintf '%s,' \"${COMPREPLY[@]}\"\n");
    };
    EXPECT_EQ(complete("ren", "1"), "render,");
    EXPECT_EQ(complete("attribute photo.png --po", "3"), "--pool,");
    EXPECT_EQ(complete("attribute --pool s", "3"), "smooth,smooth+blur,");
    EXPECT_EQ(complete("attribute --to class:tabby ''", "4"), ",");  // a file
    EXPECT_EQ(complete("render -o ''", "3"), ",");
    EXPECT_EQ(complete("nonsense --", "2"), ",");
}

TEST(Manual, OtherShellsTakeTheirCompletions) {
    const std::string zsh = manual("zsh"), fish = manual("fish");
    EXPECT_TRUE(zsh.starts_with("#compdef limpid\n"));
    EXPECT_NE(zsh.find("'--pool["), std::string::npos);
    EXPECT_NE(fish.find("complete -c limpid -n '__fish_seen_subcommand_from attribute' -l pool -r -f -a 'plain smooth "
                        "smooth+blur'"),
              std::string::npos);
    const TemporaryFolder folder;
    if (installed("zsh")) output_of(folder, "zsh -n", zsh);
    if (installed("fish")) {
        EXPECT_EQ(output_of(folder, "fish", fish + "complete -C 'limpid rend' | string replace -r '\\t.*' ''\n"),
                  "render\n");
    }
    if (!installed("zsh") && !installed("fish")) GTEST_SKIP() << "neither zsh nor fish is installed";
}

TEST(Manual, AnUnknownFormIsWrongUsage) {
    EXPECT_TRUE(fails_with(2, "fishy", run_limpid({"manual", "--as", "fishy"})));
}

}  // namespace
}  // namespace limpid::testing
