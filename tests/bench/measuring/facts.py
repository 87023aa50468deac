"""What must be the same in a slot and in the release: every path's content, mode, owner and extended attributes."""
import hashlib
import json
import os
import stat

NOT_OF_THE_RELEASE = ("ostree", ".cube", "lost+found")


def _digest(path):
    with open(path, "rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def of_tree(top, content=True):
    """{path: [mode, uid, gid, size, content, attributes]}; without `content` no file is read."""
    found = {}
    top = os.fsencode(str(top))
    for folder, folders, files in os.walk(top):
        if folder == top:
            folders[:] = [name for name in folders if os.fsdecode(name) not in NOT_OF_THE_RELEASE]
        for name in [*folders, *files, *([b"."] if folder == top else [])]:
            path = os.path.join(folder, name)
            st = os.lstat(path)
            link, file = stat.S_ISLNK(st.st_mode), stat.S_ISREG(st.st_mode)
            inside = os.fsdecode(os.readlink(path)) if link else _digest(path) if file and content else ""
            attributes = {} if link else {key: os.getxattr(path, key).hex() for key in sorted(os.listxattr(path))}
            found[os.fsdecode(os.path.relpath(path, top))] = [st.st_mode, st.st_uid, st.st_gid, st.st_size if file else 0, inside, attributes]
    return found


def save(path, found):
    path.write_text(json.dumps(found))


def load(path):
    return json.loads(path.read_text())


def room(found):
    """Bytes that the files take in blocks of 4 KiB, and an inode each."""
    return sum((fact[3] + 4095) // 4096 * 4096 + 256 for fact in found.values())


def fresh(old, new):
    """Paths of files of the new tree whose content is nowhere in the old one, one path for each content."""
    known = {fact[4] for fact in old.values()}
    return list({fact[4]: path for path, fact in sorted(new.items()) if fact[3] and fact[4] not in known}.values())


def differences(top, wanted, content=True):
    """Sentences, at most 5; empty when the tree at `top` is the release."""
    seen, told = of_tree(top, content), []
    for path in sorted({*seen, *wanted}):
        left, right = seen.get(path), wanted.get(path)
        if left is not None and right is not None:
            left, right = [_comparable(fact, content) for fact in (left, right)]
        if left != right:
            told.append(f"{path}: {left} is not {right}")
    return told[:5]


def _comparable(fact, content):
    mode, uid, gid, size, inside, attributes = fact
    regular = stat.S_ISREG(mode)
    return [mode, uid, gid, size, inside if content or not regular else "", attributes]
