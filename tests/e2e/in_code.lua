-- Drives Neovim through work in code: nvim --headless -u NONE -l in_code.lua ROOT SERVER…
-- Explains selected lines, then keeps one change of the agent's and undoes another by their lenses, and does a comment.
local root = arg[1]
local server = vim.list_slice(arg, 2)
local story = dofile(vim.fs.dirname(debug.getinfo(1, "S").source:sub(2)) .. "/story.lua")
local seen, text, wait, finish = story.seen, story.text, story.wait, story.finish

-- As a person's init.lua does it: the server is attached to each buffer by its file type.
vim.lsp.config("tallystick", { cmd = server, filetypes = { "markdown", "python" }, root_dir = root })
vim.lsp.enable("tallystick")
vim.cmd("filetype on")

vim.cmd.edit(root .. "/a.py")
local code = vim.api.nvim_get_current_buf()
vim.api.nvim_buf_set_lines(code, 0, -1, false, {
  "# unsaved 🎉", "x = 1", "", "y = 1", "", "# tally: make z 2", "z = 1",
})
wait("the server", function()
  local client = vim.lsp.get_clients({ bufnr = code })[1]
  return client and client.initialized
end)

local function run(title, range)
  vim.lsp.buf.code_action({
    apply = true,
    range = range,
    filter = function(action)
      return action.title:find(title, 1, true) ~= nil
    end,
  })
end

local function answered()
  local chat = vim.api.nvim_get_current_buf()
  if chat == code or vim.bo[chat].filetype ~= "markdown" then
    return nil
  end
  local said = text(chat)
  return said:find("openai/scripted*", 1, true) and said:sub(-8):find("## You", 1, true) and chat
end

local function chat_ends(what)
  wait(what, answered)
  local chat = answered()
  return { text = text(chat), name = vim.api.nvim_buf_get_name(chat) }
end

local function lens(title, number)
  local found = {}
  wait("the lens " .. title, function()
    vim.lsp.codelens.refresh({ bufnr = code })
    vim.wait(100)
    found = vim.tbl_filter(function(one)
      return one.command and one.command.title == title
    end, vim.lsp.codelens.get(code))
    return #found >= number
  end)
  return found[number]
end

local function click(one)
  local client = vim.lsp.get_clients({ bufnr = code })[1]
  client:exec_cmd(one.command, { bufnr = code })
end

-- Explain two lines.
run("Explain", { start = { 2, 0 }, ["end"] = { 4, 0 } })
seen.explained = chat_ends("the explanation")

-- The comment, by its lens; the agent changes three places.
vim.cmd.buffer(code)
click(lens("▶ Do it", 1))
seen.done = chat_ends("the work")
wait("the edit", function()
  return text(code):find("z = 2", 1, true)
end)
seen.landed = text(code)

vim.cmd.buffer(code)
click(lens("↶ Undo", 1))
wait("the undoing", function()
  return text(code):find("x = 1", 1, true)
end)
click(lens("✓ Keep", 1))
wait("the lenses to go", function()
  vim.lsp.codelens.refresh({ bufnr = code })
  vim.wait(100)
  return #vim.lsp.codelens.get(code) == 2
end)
seen.code = text(code)
vim.api.nvim_win_set_cursor(0, { 6, 0 })
run("Undo the change")
wait("the undoing by an action", function()
  return text(code):find("z = 1", 1, true)
end)
seen.last = text(code)
seen.modified = vim.bo[code].modified
finish(nil)
