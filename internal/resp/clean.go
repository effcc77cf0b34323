package resp

// What kvtool may ever write to a server is in this file: the scripts below delete a key or set its expiry, only where it is as
// it was found; give an expiry back; and write a key that is not there. EVAL with any other script cannot be put into words, and
// no other command that writes. They are what drift clean --apply and --undo are made of, and nobody else asks for Cleaning.

// cleans reports whether a command is one of those.
func cleans(words []string) bool {
	if words[0] != "EVAL" {
		return false
	}
	switch words[1] {
	case ScriptDump, ScriptDigest, ScriptChange, ScriptExpiry, ScriptRestore:
		return true
	}
	return false
}

// ScriptDump answers what KEYS[1] is, in one step: its type, when it expires (milliseconds since 1970; 0 never), for how many
// seconds it has been idle (-1: not told), its value as DUMP writes it, what time it is there, and its LFU counter (-1: not told).
// It writes nothing. Without such a key the type is none and nothing follows.
const ScriptDump = `local k = KEYS[1]
local t = redis.call('TYPE', k).ok
if t == 'none' then return {t} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local left, at = redis.call('PTTL', k), 0
if left >= 0 then
  at = redis.pcall('PEXPIRETIME', k)
  if type(at) ~= 'number' then at = now + left end
end
local idle = redis.pcall('OBJECT', 'IDLETIME', k)
if type(idle) ~= 'number' then idle = -1 end
local freq = redis.pcall('OBJECT', 'FREQ', k)
if type(freq) ~= 'number' then freq = -1 end
return {t, at, idle, redis.call('DUMP', k), now, freq}`

// ScriptDigest answers the type of KEYS[1], the SHA-1 of its DUMP, and its LFU counter after that (-1: not told), so that a server
// which counts the DUMP itself has counted it. It writes nothing. Without such a key the type is none and nothing follows.
const ScriptDigest = `local k = KEYS[1]
local t = redis.call('TYPE', k).ok
if t == 'none' then return {t} end
local sum = redis.sha1hex(redis.call('DUMP', k))
local freq = redis.pcall('OBJECT', 'FREQ', k)
if type(freq) ~= 'number' then freq = -1 end
return {t, sum, freq}`

// ScriptChange deletes KEYS[1], or sets its expiry to ARGV[4] (milliseconds since 1970; empty: delete), if it is still of the type
// ARGV[1], its DUMP has the SHA-1 ARGV[2], its expiry is as ARGV[3] says (none, some, or >N: more than N milliseconds are left),
// KEYS[2] still is missing if ARGV[5] is missing, and the values say what they did. It answers done, or what is not so: gone, type,
// parent, ttl, changed. Where there is no other key, KEYS[2] is KEYS[1].
//
// What a value must say is four arguments from ARGV[6] on: of which of KEYS, how it is to be looked at, the field, the text. How is
// value (of a string), field (of a hash), lost (no such field), dump (the text is the SHA-1 of its DUMP), or empty: nothing.
const ScriptChange = `local k, other = KEYS[1], KEYS[2]
local t = redis.call('TYPE', k).ok
if t == 'none' then return 'gone' end
if t ~= ARGV[1] then return 'type' end
if ARGV[5] == 'missing' and redis.call('EXISTS', other) == 1 then return 'parent' end
local function says(at, how, field, text)
  if how == 'value' then return redis.pcall('GET', at) == text end
  if how == 'field' then return redis.pcall('HGET', at, field) == text end
  if how == 'lost' then return redis.pcall('HGET', at, field) == false end
  if how == 'dump' then return redis.sha1hex(redis.call('DUMP', at) or '') == text end
  return how == ''
end
for i = 6, #ARGV, 4 do
  local at = k
  if ARGV[i] == '2' then at = other end
  if not says(at, ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]) then return 'parent' end
end
local left = redis.call('PTTL', k)
local more = string.match(ARGV[3], '^>(%d+)$')
if more then
  if left <= tonumber(more) then return 'ttl' end
elseif (left == -1) ~= (ARGV[3] == 'none') then
  return 'ttl'
end
if redis.sha1hex(redis.call('DUMP', k)) ~= ARGV[2] then return 'changed' end
if ARGV[4] == '' then redis.call('UNLINK', k) else redis.call('PEXPIREAT', k, ARGV[4]) end
return 'done'`

// ScriptExpiry gives KEYS[1] back the expiry ARGV[3] (milliseconds since 1970; 0: none), if its DUMP has the SHA-1 ARGV[1] and it
// still expires within 5 ms of ARGV[2]. It answers done, gone, changed or ttl.
const ScriptExpiry = `local k = KEYS[1]
local left = redis.call('PTTL', k)
if left == -2 then return 'gone' end
local now = redis.call('TIME')
local at = now[1] * 1000 + math.floor(now[2] / 1000) + left
if left == -1 or math.abs(at - ARGV[2]) > 5 then return 'ttl' end
if redis.sha1hex(redis.call('DUMP', k)) ~= ARGV[1] then return 'changed' end
if ARGV[3] == '0' then redis.call('PERSIST', k) else redis.call('PEXPIREAT', k, ARGV[3]) end
return 'done'`

// ScriptRestore writes KEYS[1], unless it is there: its value is ARGV[2], which DUMP has written, its expiry ARGV[1] (milliseconds
// since 1970; 0: none), and it has been idle for ARGV[3] seconds (empty: not told). It answers done, present, or expired where its
// time is over: RESTORE would say OK, and write nothing.
//
// A hash table is loaded in the order of its dump, each entry before those of its bucket that were loaded before: what is dumped
// of it then has every bucket backwards. Loaded once more from that, it is as it was, byte for byte.
const ScriptRestore = `local k = KEYS[1]
if redis.call('EXISTS', k) == 1 then return 'present' end
local time = redis.call('TIME')
if ARGV[1] ~= '0' and tonumber(ARGV[1]) <= time[1] * 1000 + math.floor(time[2] / 1000) then return 'expired' end
local function load(value)
  if ARGV[3] == '' then
    redis.call('RESTORE', k, ARGV[1], value, 'ABSTTL')
  else
    redis.call('RESTORE', k, ARGV[1], value, 'ABSTTL', 'IDLETIME', ARGV[3])
  end
end
load(ARGV[2])
local back = redis.call('DUMP', k)
if back and back ~= ARGV[2] and #back == #ARGV[2] then
  redis.call('DEL', k)
  load(back)
end
return 'done'`
