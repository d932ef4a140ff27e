-- Shows captures that `cbmnet export --format pcapng` writes: the header, the link frame, the envelope.
-- Wireshark: put this file into the folder that Help > About > Folders names as "Personal Lua Plugins".
-- tshark: tshark -X lua_script:cbmnet.lua -r run.pcapng
-- It keeps to what Lua 5.2 (Wireshark 4.0) and 5.4 both have. Formats: reports/capture.py,
-- protocols/endpoint.py (link frame), messages/WIRE.md (envelope and body).

local cbmnet = Proto("cbmnet", "cbmnet datagram")

local WAYS = { [0] = "sent", [1] = "lost", [2] = "arrived", [3] = "corrupted", [4] = "forged" }
local FRAME_TYPES = { [0] = "data", [1] = "link acknowledgement" }
local FIXED, DEEPEST = 28, 16

local f = {
  version = ProtoField.uint8("cbmnet.version", "Header version"),
  way = ProtoField.uint8("cbmnet.way", "Way", base.DEC, WAYS),
  source = ProtoField.string("cbmnet.source", "Source"),
  target = ProtoField.string("cbmnet.target", "Target"),
  kind = ProtoField.string("cbmnet.kind", "Kind"),
  stream = ProtoField.uint32("cbmnet.stream", "Stream (label)"),
  epoch = ProtoField.uint32("cbmnet.epoch", "Epoch"),
  sequence = ProtoField.uint64("cbmnet.sequence", "Sequence"),
  attempt = ProtoField.uint32("cbmnet.attempt", "Attempt"),
  copy = ProtoField.uint32("cbmnet.copy", "Copy"),
  frame = ProtoField.bytes("cbmnet.frame", "Link frame"),
  frame_type = ProtoField.uint64("cbmnet.frame.type", "Type"),
  frame_stream = ProtoField.uint64("cbmnet.frame.stream", "Stream"),
  frame_sequence = ProtoField.uint64("cbmnet.frame.sequence", "Sequence"),
  frame_attempt = ProtoField.uint64("cbmnet.frame.attempt", "Attempt"),
  envelope = ProtoField.bytes("cbmnet.envelope", "Envelope"),
  ptype = ProtoField.string("cbmnet.envelope.type", "Payload type"),
  envelope_kind = ProtoField.string("cbmnet.envelope.kind", "Kind"),
  sender = ProtoField.string("cbmnet.envelope.sender", "Sender"),
  receiver = ProtoField.string("cbmnet.envelope.receiver", "Receiver"),
  envelope_stream = ProtoField.uint64("cbmnet.envelope.stream", "Stream"),
  envelope_epoch = ProtoField.uint64("cbmnet.envelope.epoch", "Epoch"),
  envelope_sequence = ProtoField.uint64("cbmnet.envelope.sequence", "Sequence"),
  issued_ms = ProtoField.uint64("cbmnet.envelope.issued_ms", "Issued at (ms)"),
  expires_ms = ProtoField.uint64("cbmnet.envelope.expires_ms", "Expires at (ms)"),
  previous = ProtoField.bytes("cbmnet.envelope.previous", "Previous message"),
  payload = ProtoField.string("cbmnet.payload", "Payload"),
  kid = ProtoField.bytes("cbmnet.envelope.kid", "Key id"),
  signature = ProtoField.bytes("cbmnet.envelope.signature", "Signature"),
}
cbmnet.fields = f

local odd = ProtoExpert.new("cbmnet.odd", "Not what it should be", expert.group.MALFORMED, expert.severity.WARN)
cbmnet.experts = { odd }

-- MessagePack ---------------------------------------------------------------------------------------
-- read(bytes, at) gives a node { what, at, after, value | first, length | items } or nil where the bytes
-- are no MessagePack; at and after are offsets, so that each node can be shown at its place.

local read

local function sized(bytes, at, what, first, length)
  if first + length > bytes:len() then return nil end
  return { what = what, at = at, first = first, length = length, after = first + length }
end

local function number(bytes, at, what, length)
  if at + 1 + length > bytes:len() then return nil end
  local range = bytes(at + 1, length)
  local value
  if what == "uint" then
    value = length == 8 and range:uint64() or UInt64(range:uint())
  elseif what == "int" then
    value = length == 8 and range:int64() or range:int()
  else
    value = range:float()
  end
  return { what = what, at = at, after = at + 1 + length, value = value }
end

local function container(bytes, at, what, first, count, depth)
  if depth > DEEPEST or count > bytes:len() then return nil end
  local items, next_at = {}, first
  for _ = 1, what == "map" and 2 * count or count do
    local item = read(bytes, next_at, depth + 1)
    if not item then return nil end
    items[#items + 1] = item
    next_at = item.after
  end
  return { what = what, at = at, after = next_at, items = items }
end

local function counted(bytes, at, width)
  if at + 1 + width > bytes:len() then return nil end
  return bytes(at + 1, width):uint()
end

local PLAIN = { [0xc0] = "nil", [0xc2] = "false", [0xc3] = "true" }
local NUMBERS = {
  [0xca] = { "float", 4 }, [0xcb] = { "float", 8 },
  [0xcc] = { "uint", 1 }, [0xcd] = { "uint", 2 }, [0xce] = { "uint", 4 }, [0xcf] = { "uint", 8 },
  [0xd0] = { "int", 1 }, [0xd1] = { "int", 2 }, [0xd2] = { "int", 4 }, [0xd3] = { "int", 8 },
}
local COUNTED = {
  [0xc4] = { "bin", 1 }, [0xc5] = { "bin", 2 }, [0xc6] = { "bin", 4 },
  [0xd9] = { "str", 1 }, [0xda] = { "str", 2 }, [0xdb] = { "str", 4 },
  [0xdc] = { "array", 2 }, [0xdd] = { "array", 4 }, [0xde] = { "map", 2 }, [0xdf] = { "map", 4 },
}

function read(bytes, at, depth)
  if at >= bytes:len() then return nil end
  local tag = bytes(at, 1):uint()
  if tag < 0x80 then return { what = "uint", at = at, after = at + 1, value = UInt64(tag) } end
  if tag < 0x90 then return container(bytes, at, "map", at + 1, tag - 0x80, depth) end
  if tag < 0xa0 then return container(bytes, at, "array", at + 1, tag - 0x90, depth) end
  if tag < 0xc0 then return sized(bytes, at, "str", at + 1, tag - 0xa0) end
  if tag >= 0xe0 then return { what = "int", at = at, after = at + 1, value = tag - 256 } end
  if PLAIN[tag] then return { what = PLAIN[tag], at = at, after = at + 1 } end
  if NUMBERS[tag] then return number(bytes, at, NUMBERS[tag][1], NUMBERS[tag][2]) end
  local found = COUNTED[tag]
  local length = found and counted(bytes, at, found[2])
  if not length then return nil end -- also extension types, which the protocol has not
  local first = at + 1 + found[2]
  if found[1] == "array" or found[1] == "map" then
    return container(bytes, at, found[1], first, length, depth)
  end
  return sized(bytes, at, found[1], first, length)
end

local function is_array(node, least)
  return node and node.what == "array" and #node.items >= least
end

local function text_of(bytes, node)
  if node.what == "str" then return node.length > 0 and bytes(node.first, node.length):string(ENC_UTF_8) or "" end
  if node.what == "bin" then return node.length > 0 and tostring(bytes(node.first, node.length):bytes()) or "" end
  if not node.items then return node.value and tostring(node.value) or node.what end
  local parts = {}
  local step = node.what == "map" and 2 or 1
  for place = 1, #node.items, step do
    local said = text_of(bytes, node.items[place])
    if step == 2 then said = said .. " = " .. text_of(bytes, node.items[place + 1]) end
    parts[#parts + 1] = said
  end
  return table.concat(parts, ", ")
end

-- What the bytes say --------------------------------------------------------------------------------

local function range_of(bytes, node)
  return bytes(node.at, node.after - node.at)
end

local function show(tree, field, bytes, node, wanted)
  if not node or node.what ~= wanted then
    tree:add_proto_expert_info(odd)
  elseif wanted == "uint" then
    tree:add(field, range_of(bytes, node), node.value)
  elseif wanted == "str" then
    tree:add(field, range_of(bytes, node), text_of(bytes, node))
  elseif node.length > 0 then
    tree:add(field, bytes(node.first, node.length))
  end
end

local function show_payload(tree, bytes, node)
  local branch = tree:add(f.payload, range_of(bytes, node), text_of(bytes, node))
  for place = 1, #node.items, 2 do
    local key, value = node.items[place], node.items[place + 1]
    local range = bytes(key.at, value.after - key.at)
    branch:add(cbmnet, range, text_of(bytes, key) .. ": " .. text_of(bytes, value))
  end
end

local function show_body(tree, bytes)
  local body = read(bytes, 0, 0)
  if not is_array(body, 10) then return tree:add_proto_expert_info(odd) end
  local items = body.items
  show(tree, f.sender, bytes, items[2], "str")
  if is_array(items[3], 0) then
    for _, receiver in ipairs(items[3].items) do show(tree, f.receiver, bytes, receiver, "str") end
  end
  local numbers = { f.envelope_stream, f.envelope_epoch, f.envelope_sequence, f.issued_ms, f.expires_ms }
  for place, field in ipairs(numbers) do show(tree, field, bytes, items[3 + place], "uint") end
  show(tree, f.previous, bytes, items[9], "bin")
  if items[10].what == "map" then show_payload(tree, bytes, items[10]) end
end

local function show_envelope(tree, bytes)
  local branch = tree:add(f.envelope, bytes())
  local envelope = read(bytes, 0, 0)
  if not is_array(envelope, 4) then return branch:add_proto_expert_info(odd) end
  local ptype, body, signatures = envelope.items[2], envelope.items[3], envelope.items[4]
  show(branch, f.ptype, bytes, ptype, "str")
  local kind = text_of(bytes, ptype):match("^application/vnd%.cbmnet%.(.+)%.v%d+%+msgpack$")
  if kind then branch:add(f.envelope_kind, range_of(bytes, ptype), kind) end
  if body.what == "bin" and body.length > 0 then show_body(branch, bytes(body.first, body.length):tvb()) end
  for _, pair in ipairs(signatures.items or {}) do
    if is_array(pair, 2) then
      show(branch, f.kid, bytes, pair.items[1], "bin")
      show(branch, f.signature, bytes, pair.items[2], "bin")
    end
  end
end

local function show_frame(tree, bytes)
  local branch = tree:add(f.frame, bytes())
  local frame = read(bytes, 0, 0)
  if not is_array(frame, 6) then return branch:add_proto_expert_info(odd) end
  local items = frame.items
  local fields = { f.frame_type, f.frame_stream, f.frame_sequence, f.frame_attempt }
  for place, field in ipairs(fields) do show(branch, field, bytes, items[1 + place], "uint") end
  local said = items[2].what == "uint" and FRAME_TYPES[items[2].value:tonumber()]
  if said then branch:append_text(" (" .. said .. ")") end
  local envelope = items[6]
  if envelope.what == "bin" and envelope.length > 0 then
    show_envelope(tree, bytes(envelope.first, envelope.length):tvb())
  end
end

function cbmnet.dissector(buffer, pinfo, root)
  if buffer:len() < FIXED or buffer(0, 1):uint() ~= 1 then return 0 end
  local length = buffer(2, 2):uint()
  if length > buffer:len() then return 0 end
  local tree = root:add(cbmnet, buffer(0, length))
  tree:add(f.version, buffer(0, 1))
  tree:add(f.way, buffer(1, 1))
  local at, texts = FIXED, {}
  for place, field in ipairs({ f.source, f.target, f.kind }) do
    local size = at < length and buffer(at, 1):uint() or 0
    if at + 1 + size > length then return tree:add_proto_expert_info(odd) end
    texts[place] = size > 0 and buffer(at + 1, size):string(ENC_UTF_8) or ""
    tree:add(field, buffer(at, 1 + size), texts[place])
    at = at + 1 + size
  end
  tree:add(f.stream, buffer(4, 4))
  tree:add(f.epoch, buffer(8, 4))
  tree:add(f.sequence, buffer(12, 8))
  tree:add(f.attempt, buffer(20, 4))
  tree:add(f.copy, buffer(24, 4))
  pinfo.cols.protocol = "cbmnet"
  pinfo.cols.src, pinfo.cols.dst = texts[1], texts[2]
  local attempt, copy = buffer(20, 4):uint(), buffer(24, 4):uint()
  local said = texts[3] .. " " .. buffer(4, 4):uint() .. "." .. tostring(buffer(12, 8):uint64())
  if attempt > 1 then said = said .. ", attempt " .. attempt end
  if copy > 0 then said = said .. ", copy " .. copy end
  pinfo.cols.info = said .. ", " .. (WAYS[buffer(1, 1):uint()] or "unknown way")
  if buffer:len() > length then show_frame(tree, buffer(length):tvb()) end
  return buffer:len()
end

DissectorTable.get("wtap_encap"):add((wtap_encaps or wtap).USER0, cbmnet)
