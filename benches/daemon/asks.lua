-- wrk: asks for the paths of the file that BLUF_PATHS names, in an order of chance, and says how long answers took.
-- BLUF_PAUSE_MS: how long a client waits between an answer and its next question.
local paths, pause, started = {}, tonumber(os.getenv("BLUF_PAUSE_MS") or "0"), 0
local threads = {}
function setup(thread)
  thread:set("number", #threads)
  table.insert(threads, thread)
end
function init()
  math.randomseed(7 + number)
  for line in io.lines(os.getenv("BLUF_PATHS")) do table.insert(paths, line) end
  bad = 0
end
function request() return wrk.format("GET", paths[math.random(#paths)]) end
if pause > 0 then
  function delay() return math.random(0, 2 * pause) end
end
function response(status) if status ~= 200 then bad = bad + 1 end end
function done(summary, latency)
  local others = 0
  for _, thread in ipairs(threads) do others = others + thread:get("bad") end
  local ms = function(p) return latency:percentile(p) / 1000 end
  local lost = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format("RESULT %d %.0f %.2f %.2f %.2f %.2f %d %d\n", summary.requests, summary.requests / summary.duration * 1e6,
    ms(50), ms(99), ms(99.9), latency.max / 1000, others, lost))
end
