-- Drives Neovim through a turn whose edit another tool of the editor has something to say of:
-- nvim --headless -u NONE -l diagnostics.lua ROOT CONFIGURATION SERVER…
-- CONFIGURATION is what docs/diagnostics.md tells people to put into their init.lua. Prints one JSON object.
local root = arg[1]
local server = vim.list_slice(arg, 3)
local story = dofile(vim.fs.dirname(debug.getinfo(1, "S").source:sub(2)) .. "/story.lua")
local seen, text, wait, finish = story.seen, story.text, story.wait, story.finish
seen.reports = {}
vim.api.nvim_create_autocmd("LspNotify", {
  callback = function(event)
    if event.data.method == "tallystick/diagnostics" then
      table.insert(seen.reports, event.data.params)
    end
  end,
})
dofile(arg[2])

-- A file that is not saved, of which a tool says one thing, and another one once x is 2.
vim.cmd.edit(root .. "/a.py")
local code = vim.api.nvim_get_current_buf()
vim.api.nvim_buf_set_lines(code, 0, -1, false, { "# unsaved 🎉", "x = 1", "y = z" })
local space = vim.api.nvim_create_namespace("tool")
local function check()
  local old = { lnum = 2, col = 4, severity = 1, source = "tool", code = "E1", message = "z is not defined" }
  local new = { lnum = 1, col = 9, severity = 1, source = "tool", code = "E2", message = "two is wrong" }
  vim.diagnostic.set(space, code, text(code):find("x = 2", 1, true) and { old, new } or { old })
end
vim.api.nvim_buf_attach(code, false, { on_lines = function() vim.schedule(check) end })

vim.cmd.split(root .. "/talk.tally.md")
local chat = vim.api.nvim_get_current_buf()
vim.api.nvim_buf_set_lines(chat, 0, -1, false, { "## You", "", "make x 2 🎉" })
local id = vim.lsp.start({ name = "tallystick", cmd = server, root_dir = root }, { bufnr = chat })
wait("the server", function()
  local client = vim.lsp.get_client_by_id(id)
  return client and client.initialized
end)
vim.lsp.buf_attach_client(code, id)
wait("a report of its own", function()
  return #seen.reports > 0
end)
check()

vim.lsp.buf.code_action({
  apply = true,
  filter = function(action)
    return action.title == "Tallystick: Send"
  end,
})
wait("the end of the turn", function()
  return text(chat):find("openai/scripted*", 1, true) and text(chat):sub(-8):find("## You", 1, true)
end)
seen.code = text(code)
seen.encoding = vim.lsp.get_client_by_id(id).offset_encoding
vim.lsp.stop_client(id)
wait("the end of the server", function()
  return vim.lsp.get_client_by_id(id) == nil
end)
finish(nil)
