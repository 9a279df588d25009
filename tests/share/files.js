// What a program does to files, on a share: each step checks itself; the host looks at what is left.
const fs = require('fs'), assert = require('assert');
let count = 0;
function step(name, run) {
    try { run(); console.log(`ok ${++count} - ${name}`); }
    catch (e) { console.log(`not ok ${++count} - ${name}: ${e.message.split('\n')[0]}`); process.exitCode = 1; }
}
const bytes = (n, seed) => { const b = Buffer.alloc(n); let x = seed; for (let i = 0; i < n; i++) { x = (Math.imul(x, 1103515245) + 12345) & 0x7fffffff; b[i] = x >> 16; } return b; };

step('writes and reads small and large files', () => {
    for (const n of [0, 1, 4096, 65537, 3 << 20]) {
        fs.writeFileSync(`size-${n}.bin`, bytes(n, n));
        assert(fs.readFileSync(`size-${n}.bin`).equals(bytes(n, n)), `size ${n}`);
        assert.strictEqual(fs.statSync(`size-${n}.bin`).size, n);
    }
});
step('appends, writes in the middle, cuts', () => {
    fs.writeFileSync('edit.txt', 'hello');
    fs.appendFileSync('edit.txt', ' world');
    const f = fs.openSync('edit.txt', 'r+');
    fs.writeSync(f, 'J', 0);
    fs.ftruncateSync(f, 9);
    fs.fsyncSync(f);
    fs.closeSync(f);
    assert.strictEqual(fs.readFileSync('edit.txt', 'latin1'), 'Jello wor');
});
step('folders', () => {
    fs.mkdirSync('a/b/c/d', { recursive: true });
    fs.writeFileSync('a/b/c/d/deep.txt', 'deep');
    assert.throws(() => fs.rmdirSync('a/b'), { code: 'ENOTEMPTY' });
    assert.throws(() => fs.mkdirSync('a'), { code: 'EEXIST' });
    assert.deepStrictEqual(fs.readdirSync('a/b/c'), ['d']);
    assert(fs.statSync('a').isDirectory());
    assert.throws(() => fs.readdirSync('none'), { code: 'ENOENT' });
    assert.throws(() => fs.readFileSync('edit.txt/x'), (e) => e.code === 'ENOENT' || e.code === 'ENOTDIR');
});
step('case does not count', () => {
    fs.writeFileSync('MixedCase.txt', 'x');
    assert.strictEqual(fs.readFileSync('mixedcase.TXT', 'latin1'), 'x');
    assert.throws(() => fs.writeFileSync('MIXEDCASE.TXT', 'y', { flag: 'wx' }), { code: 'EEXIST' });
    fs.writeFileSync('MIXEDCASE.txt', 'z');
    assert(fs.readdirSync('.').includes('MixedCase.txt'));
    assert(fs.existsSync('A/B/c/D/DEEP.TXT'));
});
step('renames', () => {
    fs.writeFileSync('old.txt', 'old'); fs.writeFileSync('other.txt', 'other');
    fs.renameSync('old.txt', 'new.txt');
    fs.renameSync('new.txt', 'other.txt');
    assert.strictEqual(fs.readFileSync('other.txt', 'latin1'), 'old');
    fs.renameSync('other.txt', 'Other.txt');
    assert(fs.readdirSync('.').includes('Other.txt'));
    fs.renameSync('a/b', 'a/moved');
    assert.strictEqual(fs.readFileSync('a/moved/c/d/deep.txt', 'latin1'), 'deep');
    assert(!fs.existsSync('a/b'));
});
step('copies and deletes', () => {
    fs.copyFileSync('size-65537.bin', 'copy.bin');
    assert(fs.readFileSync('copy.bin').equals(bytes(65537, 65537)));
    fs.writeFileSync('gone.txt', '');
    fs.unlinkSync('gone.txt');
    assert(!fs.existsSync('gone.txt'));
    assert.throws(() => fs.unlinkSync('gone.txt'), { code: 'ENOENT' });
    fs.mkdirSync('tree/x/y', { recursive: true });
    fs.writeFileSync('tree/x/y/z', '1'); fs.writeFileSync('tree/x/w', '2');
    fs.rmSync('tree', { recursive: true });
    assert(!fs.existsSync('tree'));
});
step('times and the read-only attribute', () => {
    fs.writeFileSync('times.txt', 't');
    fs.utimesSync('times.txt', 1000000000, 1234567890);
    assert.strictEqual(fs.statSync('times.txt').mtimeMs, 1234567890000);
    assert(Math.abs(fs.statSync('edit.txt').mtimeMs - Date.now()) < 86400000);
    fs.writeFileSync('fixed.txt', 'f');
    fs.chmodSync('fixed.txt', 0o444);
    assert.throws(() => fs.writeFileSync('fixed.txt', 'g'), (e) => e.code === 'EPERM' || e.code === 'EACCES');
    fs.writeFileSync('loose.txt', 'l'); fs.chmodSync('loose.txt', 0o444); fs.chmodSync('loose.txt', 0o666);
    fs.writeFileSync('loose.txt', 'm');
});
step('links of the host', () => {
    assert.strictEqual(fs.readFileSync('link-to-file', 'latin1'), 'target\n');
    assert.strictEqual(fs.readFileSync('link-to-folder/inside.txt', 'latin1'), 'inside\n');
    assert.strictEqual(fs.readFileSync('LINK-TO-FOLDER/INSIDE.TXT', 'latin1'), 'inside\n');
    assert(fs.readdirSync('.', { withFileTypes: true }).find((e) => e.name === 'link-to-file').isSymbolicLink());
    fs.unlinkSync('link-to-go');
    fs.renameSync('link-to-move', 'link-moved');
    assert.strictEqual(fs.readFileSync('link-moved', 'latin1'), 'target\n');
    assert(fs.statSync('link-to-folder').isDirectory());
    assert.throws(() => fs.readFileSync('link-outside'));
    assert.throws(() => fs.readFileSync('link-absolute'));
    assert.throws(() => fs.readFileSync('link-loop'));
    assert.throws(() => fs.readFileSync('link-up/passwd'));
});
step('a thousand files', () => {
    const names = fs.readdirSync('many');
    assert.strictEqual(names.length, 1000);
    for (let i = 0; i < 1000; i++) assert.strictEqual(names[i], `file ${String(i).padStart(4, '0')}.txt`);
    let total = 0;
    for (const e of fs.readdirSync('many', { withFileTypes: true })) { assert(e.isFile()); total += fs.statSync('many/' + e.name).size; }
    assert.strictEqual(total, 499500);
});
step('names Windows cannot have', () => {
    const names = fs.readdirSync('odd');
    const found = {};
    for (const n of names) found[fs.readFileSync('odd/' + n, 'latin1')] = n;
    assert.deepStrictEqual(Object.keys(found).sort(), ['backslash', 'bytes', 'colon', 'dot', 'one', 'question', 'space', 'two', 'umlaut'].sort());
    assert.strictEqual(found.colon, 'a\uf03ab');
    assert.strictEqual(found.umlaut, '\u00e4\u20ac.txt');
    assert.strictEqual(fs.readFileSync('odd/Same', 'latin1') + fs.readFileSync('odd/same', 'latin1'), 'onetwo');
    fs.unlinkSync('odd/' + found.question);
    fs.renameSync('odd/' + found.dot, 'odd/plain');
    fs.writeFileSync('odd/\uf03anew', 'made here');
});
console.log(`1..${count}`);
