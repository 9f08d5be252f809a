// Unpacks what `deno compile` put into the program Deno.args[0] into the folder Deno.args[1], and writes the flags with
// which deno has to run it. Layout: d3n0l4nd, then parts with a u64 length before them; see `payload` below.
const [program, folder] = Deno.args;
const text = new TextDecoder();

/** What a program sees of itself when it is a single file. */
const STANDALONE = `
const program = Deno.env.get("ZTNA_STANDIN_EXE");
Object.defineProperty(Deno, "build", { value: { ...Deno.build, standalone: true } });
Object.defineProperty(Deno, "execPath", { value: () => program });
`;

unpack(payload(findSection(Deno.readFileSync(program))));

/** The section that `deno compile` adds to an ELF: a note of type 0x53554901, whose content starts with its own name. */
function findSection(file) {
  const view = new DataView(file.buffer);
  const [table, size, count] = [
    Number(view.getBigUint64(32, true)),
    view.getUint16(54, true),
    view.getUint16(56, true),
  ];
  for (let header = table; header < table + size * count; header += size) {
    if (view.getUint32(header, true) !== 4) continue;
    let note = Number(view.getBigUint64(header + 8, true));
    const end = note + Number(view.getBigUint64(header + 32, true));
    while (note + 12 <= end) {
      const [nameLength, length, type] = [0, 4, 8].map((at) => view.getUint32(note + at, true));
      const content = note + 12 + ((nameLength + 3) & ~3);
      if (type === 0x53554901) return file.subarray(content + 2 + view.getUint16(content, true), content + length);
      note = content + ((length + 3) & ~3);
    }
  }
  return stop("this program holds no payload");
}

function payload(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 8;
  const part = () => {
    const length = Number(view.getBigUint64(at, true));
    at += 8 + length;
    return bytes.subarray(at - length, at);
  };
  const count = () => view.getUint32((at += 4) - 4, true);
  const metadata = JSON.parse(text.decode(part()));
  part(); // The snapshot of npm packages: bundles have none.
  for (let left = count(); left > 0; left--) at += 8 + view.getUint32(at, true); // Specifiers: length, text, id.
  const redirects = count();
  at += 8 * redirects; // Two ids each.
  if (count() !== 0) stop("remote modules are not supported");
  const tree = JSON.parse(text.decode(part()));
  const files = part();
  if (text.decode(bytes.subarray(at, at + 8)) !== "d3n0l4nd") stop("this deno lays its payload out in another way");
  return { metadata, tree, files };
}

function unpack({ metadata, tree, files }) {
  write(tree, folder, files);
  const flags = [...permissionFlags(metadata.permissions), "--no-lock", "--cached-only", "--no-remote", "--no-config"];
  for (const feature of metadata.unstable_config.features ?? []) flags.push(`--unstable-${feature}`);
  Deno.writeTextFileSync(`${folder}/standalone.mjs`, STANDALONE);
  flags.push("--preload", "@standalone.mjs");
  flags.push(`@${metadata.entrypoint_key}`, ...metadata.argv);
  Deno.writeTextFileSync(`${folder}/flags`, flags.map((flag) => `${flag}\0`).join(""));
}

function write(entries, place, files) {
  for (const { Dir, File } of entries) {
    if (Dir !== undefined) {
      Deno.mkdirSync(`${place}/${Dir.n}`, { recursive: true });
      write(Dir.e, `${place}/${Dir.n}`, files);
    } else if (File !== undefined) {
      const [offset, length] = File.o;
      Deno.writeFileSync(`${place}/${File.n}`, files.subarray(offset, offset + length));
    }
  }
}

function permissionFlags(permissions) {
  const flags = permissions.prompt === false ? ["--no-prompt", "--quiet"] : ["--quiet"];
  for (const kind of ["env", "net", "ffi", "read", "run", "sys", "write", "import"]) {
    for (const mood of ["allow", "deny"]) {
      const scope = permissions[`${mood}_${kind}`];
      if (scope) flags.push(scope.length > 0 ? `--${mood}-${kind}=${scope.join(",")}` : `--${mood}-${kind}`);
    }
  }
  return flags;
}

function stop(reason) {
  console.error(`denort stand-in: ${reason}`);
  Deno.exit(3);
}
