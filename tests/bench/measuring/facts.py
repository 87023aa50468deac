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


def room(found):
    """Bytes that the files take in blocks of 4 KiB, and an inode each."""
    return sum((fact[3] + 4095) // 4096 * 4096 + 256 for fact in found.values())


def changed(old, new):
    """Files of the new tree whose content is nowhere in the old one, each content once."""
    known = {fact[4] for fact in old.values()}
    fresh = {fact[4]: fact[3] for fact in new.values() if fact[3] and fact[4] not in known}
    return {"files": len(fresh), "bytes": sum(fresh.values())}


def differences(top, wanted, content=True, but_attributes=()):
    """Sentences, at most 5; empty when the tree at `top` is the release. `but_attributes` are not asked for."""
    seen, told = of_tree(top, content), []
    for path in sorted({*seen, *wanted}):
        left, right = seen.get(path), wanted.get(path)
        if left is not None and right is not None:
            left, right = [_comparable(fact, content, but_attributes) for fact in (left, right)]
        if left != right:
            told.append(f"{path}: {left} is not {right}")
    return told[:5]


def _comparable(fact, content, but_attributes):
    mode, uid, gid, size, inside, attributes = fact
    regular = stat.S_ISREG(mode)
    return [mode, uid, gid, size, inside if content or not regular else "", {key: value for key, value in attributes.items() if key not in but_attributes}]
