-- What the stories in Neovim share: what was seen, waiting, the end. Each begins with `local story = dofile(…)`.
local story = { seen = { selects = {}, messages = {} } }

function story.text(buffer)
  return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), "\n")
end

-- Prints one JSON object with what a person would have seen.
function story.finish(problem)
  story.seen.problem = problem
  io.stdout:write(vim.json.encode(story.seen) .. "\n")
  os.exit(problem and 1 or 0)
end

function story.wait(what, holds)
  if not vim.wait(40000, holds, 20) then
    story.finish("timed out waiting for " .. what)
  end
end

-- The person picks the first choice of every list.
vim.ui.select = function(items, options, choose)
  local titles = {}
  for _, item in ipairs(items) do
    table.insert(titles, item.title or (item.action and item.action.title) or "?")
  end
  table.insert(story.seen.selects, { kind = options.kind, prompt = options.prompt, titles = titles })
  choose(items[1], 1)
end
vim.lsp.handlers["window/showMessage"] = function(_, params)
  table.insert(story.seen.messages, params.message)
end

return story
