;;; emacs_eglot.el --- the story with eglot: emacs -q --batch -l emacs_eglot.el  -*- lexical-binding: t -*-
(require 'package)
(package-initialize)
(require 'markdown-mode)
(require 'eglot)
(load (expand-file-name "emacs_story.el" (file-name-directory load-file-name)))

(load (getenv "STORY_INIT"))
(setq eglot-sync-connect 30
      eglot-autoreconnect nil)

(story-run
 (lambda ()
   (unless (eglot-managed-p)
     (apply #'eglot (eglot--guess-contact)))
   (unless (eglot-managed-p)
     (eglot--maybe-activate-editing-mode)))
 ;; A key was the last event: after a click, eglot shows a menu.
 (lambda () (let ((last-nonmenu-event ?\r)) (eglot-code-actions (point-min) (point-min) nil t))))
