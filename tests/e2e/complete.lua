-- Types in Neovim and takes a suggestion from the completion menu: nvim --headless -u NONE -S complete.lua
-- ROOT and SERVER (JSON) come in the environment. Prints one JSON object with what a person would have seen.
local root = vim.env.ROOT
local server = vim.json.decode(vim.env.SERVER)
local seen = { messages = {} }

local function finish(problem)
  seen.problem = problem
  seen.text = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\n")
  io.stdout:write(vim.json.encode(seen) .. "\n")
  os.exit(problem and 1 or 0)
end

local function keys(text)
  vim.api.nvim_feedkeys(vim.api.nvim_replace_termcodes(text, true, false, true), "t", false)
end

-- One step after another, each as soon as what it waits for holds; the editor's own loop runs meanwhile.
local function steps(list, at, tries)
  local step = list[at]
  if not step then
    return finish(nil)
  end
  if not step.holds or step.holds() then
    step.act()
    return vim.defer_fn(function()
      steps(list, at + 1, 0)
    end, 20)
  end
  if tries > 1500 then
    return finish("timed out waiting for " .. step.what)
  end
  vim.defer_fn(function()
    steps(list, at, tries + 1)
  end, 20)
end

vim.lsp.handlers["window/showMessage"] = function(_, params)
  table.insert(seen.messages, params.message)
end
vim.cmd.edit(root .. "/a.py")
vim.bo.filetype = "python"
vim.o.completeopt = "menuone,noinsert"
local id = vim.lsp.start({ name = "tallystick", cmd = server, root_dir = root })

steps({
  {
    what = "the server",
    holds = function()
      local client = vim.lsp.get_client_by_id(id)
      return client and client.initialized
    end,
    act = function()
      vim.lsp.completion.enable(true, id, 0)
      keys("jjA")
    end,
  },
  {
    what = "insert mode",
    holds = function()
      return vim.fn.mode() == "i"
    end,
    act = function()
      vim.lsp.completion.get()
    end,
  },
  {
    what = "the menu",
    holds = function()
      return vim.fn.pumvisible() == 1
    end,
    act = function()
      local info = vim.fn.complete_info({ "items", "selected" })
      seen.items = vim.tbl_map(function(item)
        return item.abbr ~= "" and item.abbr or item.word
      end, info.items)
      keys("<C-y>")
    end,
  },
  {
    what = "the text",
    holds = function()
      return vim.fn.pumvisible() == 0 and vim.api.nvim_buf_line_count(0) > 3
    end,
    act = function()
      keys("<Esc>")
    end,
  },
  {
    what = "the server's end",
    act = function()
      vim.lsp.stop_client(id)
    end,
  },
  {
    what = "the end of the server",
    holds = function()
      return vim.lsp.get_client_by_id(id) == nil
    end,
    act = function() end,
  },
}, 1, 0)
