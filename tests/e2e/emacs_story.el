;;; emacs_story.el --- one chat in Emacs, whichever client speaks LSP  -*- lexical-binding: t -*-
;; Loaded by emacs_eglot.el and emacs_lspmode.el, which say how to connect and how to run a code action. STORY_INIT is a file
;; with what docs/editors/emacs.md tells people to write.
;; Prints one JSON object with what a person would have seen.

(require 'json)
(require 'seq)

(defvar story-root (getenv "STORY_ROOT"))
(defvar story-asked '() "Questions of `completing-read': prompt and choices, newest first.")
(defvar story-picks '() "What the person picks, by a part of the choice; the first choice otherwise.")
(defvar story-strict nil "Whether a list without what the person would pick is closed again.")
(defvar story-back nil "The chat when the command to send came back.")
(defvar story-confirmed '() "Questions that were to be answered by yes or no.")

(defun story-end (seen)
  (princ (concat (json-encode seen) "\n"))
  (kill-emacs (if (assq 'problem seen) 1 0)))

(defun story-wait (what holds)
  (let ((end (+ (float-time) 60)))
    (while (not (funcall holds))
      (when (> (float-time) end)
        (story-end `((problem . ,(format "timed out waiting for %s" what))
                     (chat . ,(with-current-buffer "talk.tally.md" (buffer-string))))))
      (accept-process-output nil 0.05)
      ;; In batch Emacs is never idle, so what waits for that is run here: eglot tells of changes then.
      (dolist (timer (copy-sequence timer-idle-list))
        (timer-event-handler timer)))))

(defun story-choices (collection)
  (mapcar (lambda (one) (if (consp one) (car one) one)) (all-completions "" collection)))

(advice-add 'completing-read :override
            (lambda (prompt collection &rest _)
              (let* ((choices (story-choices collection))
                     (pick (seq-find (lambda (one) (seq-some (lambda (part) (string-search part one)) story-picks)) choices)))
                (when (and story-strict (not pick)) (error "It is not offered"))
                (push `((prompt . ,(substring-no-properties prompt)) (choices . ,(vconcat choices))) story-asked)
                (or pick (car choices)))))
(advice-add 'y-or-n-p :override (lambda (prompt) (push (substring-no-properties prompt) story-confirmed) t))

(defun story-text (buffer)
  (with-current-buffer buffer (buffer-substring-no-properties (point-min) (point-max))))

(defun story-run (start send)
  "Opens the two files, calls START in each of them, and SEND in the chat."
  (let (code chat changed modified taken-back)
    (setq code (find-file-noselect (expand-file-name "a.py" story-root)))
    (with-current-buffer code
      (erase-buffer)
      (insert "# unsaved 🎉\nx = 1\n")
      (undo-boundary))
    (setq chat (find-file-noselect (expand-file-name "talk.tally.md" story-root)))
    (with-current-buffer chat (insert "## You\n\nmake x 2 🎉\n"))
    (switch-to-buffer code)
    (funcall start)
    (switch-to-buffer chat)
    (funcall start)
    (setq story-picks '("Tallystick: Send" "Allow once"))
    (funcall send)
    (setq story-back (story-text chat))
    (story-wait "the end of the turn"
                (lambda () (string-match-p "openai/scripted\\*\n\n## You\n" (story-text chat))))
    (setq changed (story-text code) modified (buffer-modified-p code))
    (setq story-picks '("Tallystick: Undo"))
    (with-current-buffer code (undo-boundary))
    (setq story-strict t)
    ;; The turn ends some time after its last words; only then is the action there. A list of one, such as Stop, is not asked about.
    (story-wait "the action that undoes"
                (lambda ()
                  (ignore-errors (funcall send))
                  (seq-some (lambda (one) (seq-some (lambda (choice) (string-search "Tallystick: Undo" choice))
                                                    (alist-get 'choices one)))
                            story-asked)))
    (setq story-strict nil)
    (story-wait "the undo of the turn" (lambda () (string-match-p "x = 1" (story-text code))))
    (setq taken-back (story-text code))
    (story-wait "the end of the undo"
                (lambda () (string-match-p "- undo a.py: Undone.\\(.\\|\n\\)*\n## You\n*\\'" (story-text chat))))
    (switch-to-buffer code)
    ;; Emacs' own undo takes the undo back.
    ;; The command loop does this after each command.
    (undo-boundary)
    (undo)
    (story-end `((emacs . ,emacs-version)
                 (chat . ,(story-text chat))
                 (code . ,changed)
                 (back . ,story-back)
                 (taken-back . ,taken-back)
                 (undone . ,(story-text code))
                 (modified . ,(if modified t :json-false))
                 (asked . ,(vconcat (reverse story-asked)))
                 (confirmed . ,(vconcat story-confirmed))))))

(provide 'emacs_story)
