;;; emacs_lspmode.el --- the story with lsp-mode: emacs -q --batch -l emacs_lspmode.el  -*- lexical-binding: t -*-
(require 'package)
(package-initialize)
(require 'markdown-mode)
(require 'lsp-mode)
(load (expand-file-name "emacs_story.el" (file-name-directory load-file-name)))

(setq lsp-session-file (expand-file-name "lsp-session" (getenv "HOME"))
      lsp-server-install-dir (expand-file-name "lsp-servers" (getenv "HOME"))
      lsp-auto-guess-root t
      ;; The turn takes longer: a command that is only answered at its end would be cancelled.
      lsp-response-timeout 1
      lsp-restart 'ignore
      lsp-client-packages nil
      lsp-enable-file-watchers nil
      lsp-headerline-breadcrumb-enable nil)
(load (getenv "STORY_INIT"))
(lsp-workspace-folders-add story-root)

(story-run
 (lambda ()
   (lsp)
   (story-wait "the server"
               (lambda () (seq-some (lambda (one) (eq 'initialized (lsp--workspace-status one))) (lsp-workspaces)))))
 (lambda () (lsp-execute-code-action (lsp--select-action (lsp-code-actions-at-point)))))
