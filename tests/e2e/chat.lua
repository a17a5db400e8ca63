-- Drives Neovim through one chat: nvim --headless -u NONE -l chat.lua ROOT SERVER…
-- Prints one JSON object with what a person would have seen.
local root = arg[1]
local server = vim.list_slice(arg, 2)
local story = dofile(vim.fs.dirname(debug.getinfo(1, "S").source:sub(2)) .. "/story.lua")
local seen, text, wait, finish = story.seen, story.text, story.wait, story.finish
seen.progress = {}
seen.pieces = 0
vim.api.nvim_create_autocmd("LspProgress", {
  callback = function(event)
    local value = event.data.params.value
    table.insert(seen.progress, value.kind .. ": " .. (value.message or value.title or ""))
  end,
})

-- A file with changes that were not saved.
vim.cmd.edit(root .. "/a.py")
local code = vim.api.nvim_get_current_buf()
vim.api.nvim_buf_set_lines(code, 0, -1, false, { "# unsaved 🎉", "x = 1" })

-- A new chat beside it.
vim.cmd.split(root .. "/talk.tally.md")
local chat = vim.api.nvim_get_current_buf()
vim.api.nvim_buf_set_lines(chat, 0, -1, false, { "## You", "", "make x 2 🎉" })

local id = vim.lsp.start({ name = "tallystick", cmd = server, root_dir = root }, { bufnr = chat })
wait("the server", function()
  local client = vim.lsp.get_client_by_id(id)
  return client and client.initialized
end)
vim.lsp.buf_attach_client(code, id)
seen.encoding = vim.lsp.get_client_by_id(id).offset_encoding

vim.api.nvim_buf_attach(chat, false, {
  on_lines = function()
    seen.pieces = seen.pieces + 1
  end,
})

vim.lsp.codelens.refresh({ bufnr = chat })
wait("a lens", function()
  return #vim.lsp.codelens.get(chat) > 0
end)
seen.lens = vim.lsp.codelens.get(chat)[1].command.title

vim.lsp.buf.code_action({
  apply = true,
  filter = function(action)
    return action.title == "Tallystick: Send"
  end,
})
wait("the end of the turn", function()
  return text(chat):find("openai/scripted*", 1, true) and text(chat):sub(-8):find("## You", 1, true)
end)
wait("the edit", function()
  return text(code):find("x = 2", 1, true)
end)
wait("the end of the progress", function()
  return #seen.progress > 0 and seen.progress[#seen.progress]:find("^end")
end)

seen.chat = text(chat)
seen.code = text(code)
seen.modified = vim.bo[code].modified
vim.lsp.stop_client(id)
wait("the end of the server", function()
  return vim.lsp.get_client_by_id(id) == nil
end)
finish(nil)
