// Belfry: real-time messaging, library and broker.
// SPDX-License-Identifier: Apache-2.0
//
// libedit's calls with a variable number of arguments, one by one, and the C library's stdio streams: neither can be
// said in Swift.
#ifndef BELFRY_CLIBEDIT_H
#define BELFRY_CLIBEDIT_H
#include <histedit.h>
#include <langinfo.h>
#include <locale.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

typedef int (*clibedit_read)(EditLine *, wchar_t *);
typedef char *(*clibedit_prompt)(EditLine *);

/// Lets characters outside ASCII be shown: the locale of the environment if it is UTF-8, else a plain UTF-8.
static inline void clibedit_use_utf8(void) {
    if (setlocale(LC_CTYPE, "") == NULL || strcmp(nl_langinfo(CODESET), "UTF-8") != 0) setlocale(LC_CTYPE, "C.UTF-8");
}

/// An editor on the terminal that is standard input and output, with the user's ~/.editrc; NULL without memory.
///
/// It leaves signals alone.
static inline EditLine *clibedit_make(const char *name, void *owner, clibedit_read read, clibedit_prompt prompt) {
    EditLine *editor = el_init(name, stdin, stdout, stderr);
    if (editor == NULL) return NULL;
    el_set(editor, EL_CLIENTDATA, owner);
    el_set(editor, EL_SIGNAL, 0);
    el_set(editor, EL_EDITOR, "emacs");
    el_set(editor, EL_PROMPT, prompt);
    el_wset(editor, EL_GETCFN, read);
    el_source(editor, NULL);
    return editor;
}

static inline void *clibedit_owner(EditLine *editor) {
    void *owner = NULL;
    el_get(editor, EL_CLIENTDATA, &owner);
    return owner;
}

/// A history of at most `count` lines without immediate repetitions, which the editor's arrow keys walk through.
static inline HistoryW *clibedit_make_history(EditLine *editor, int count) {
    HistoryW *history = history_winit();
    HistEventW event;
    if (history == NULL) return NULL;
    history_w(history, &event, H_SETSIZE, count);
    history_w(history, &event, H_SETUNIQUE, 1);
    el_wset(editor, EL_HIST, history_w, history);
    return history;
}

static inline void clibedit_remember(HistoryW *history, const wchar_t *line) {
    HistEventW event;
    history_w(history, &event, H_ENTER, line);
}

/// Draws prompt and line again, from the beginning of the terminal's current row.
static inline void clibedit_redraw(EditLine *editor) { el_set(editor, EL_REFRESH); }

/// Takes the terminal over again after somebody else set its modes.
static inline void clibedit_prepare_terminal(EditLine *editor) {
    // It does nothing to a terminal that it believes to have already.
    el_set(editor, EL_PREP_TERM, 0);
    el_set(editor, EL_PREP_TERM, 1);
}

/// The columns of the terminal; 80 if it does not say.
static inline int clibedit_columns(void) {
    struct winsize size = {0};
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}
#endif
