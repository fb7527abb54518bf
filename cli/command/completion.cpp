// SPDX-License-Identifier: Apache-2.0
#include "cli/command/command.hpp"
#include "cli/command/flags.hpp"
#include "cli/output/config.hpp"

namespace vbackup::cli {

namespace {

struct Arguments : Common {
    std::string shell;
};

void setup(CLI::App& app, Arguments& asked) {
    add_positional(app, "bash|zsh|fish", asked.shell);
    add_common(app, asked);
}

std::string text_for(const std::string& shell, std::span<const driver::Entry> drivers) {
    const auto all = pages();
    if (shell == "bash") return render_bash(all, drivers);
    if (shell == "zsh") return render_zsh(all, drivers);
    if (shell == "fish") return render_fish(all, drivers);
    if (shell == "man") return render_man(all, drivers, VBACKUP_VERSION);
    if (shell == "man5") return render_config_man(VBACKUP_VERSION);
    throw Error(ErrorKind::usage, "there is no completion for this shell", "it is one of bash, zsh and fish");
}

Answer run(Session& session, const Arguments& asked) {
    return {.value = Text{text_for(asked.shell, session.around().drivers)}, .problem = {}};
}

}  // namespace

Command completion_command() {
    return make_command<Arguments>(
        {.name = "completion",
         .summary = "print what makes a shell complete vbackup's arguments",
         .about = {},
         .examples = {"vbackup completion bash > ~/.local/share/bash-completion/completions/vbackup",
                      "vbackup completion fish > ~/.config/fish/completions/vbackup.fish"},
         .exits = {},
         .options_of = {}},
        setup, run);
}

}  // namespace vbackup::cli
