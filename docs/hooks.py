"""What `make docs` adds to docs/, so that the same Markdown reads well on a code host and on the site.

Links that leave docs/ lead to pages made of those files, under project/; links to a folder of results lead to its
table. Docstrings are read from the packages under their installed names.
"""

import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
_LINK = re.compile(r"\]\(([^)#:\s]+)((?:#[^)\s]*)?\))")


def target(link: str, page: Path) -> Path | None:
    """The file or folder that a relative `link` in `page` means; None if there is none (mkdocs then says so)."""
    path = (page.parent / link).resolve()
    if path.is_dir():
        path = next((path / name for name in ("table.md", "summary.json") if (path / name).exists()), path)
    return path if path.exists() and path.is_relative_to(ROOT) else None


def address(path: Path) -> str:
    """Where a file of the project stands among the site's sources."""
    if path.is_relative_to(DOCS):
        return path.relative_to(DOCS).as_posix()
    inside = f"project/{path.relative_to(ROOT).as_posix()}"
    return inside if path.suffix == ".md" else f"{inside}.md"


def rewritten(markdown: str, page: Path) -> str:
    """The text of `page` with links that hold on the site."""
    here = os.path.dirname(address(page))

    def link(found: re.Match[str]) -> str:
        path = target(found[1], page)
        return f"]({os.path.relpath(address(path), here or '.')}{found[2]}" if path else found[0]

    return _LINK.sub(link, markdown)


def outside(pages: list[Path]) -> list[Path]:
    """Files out of docs/ that `pages`, or those files themselves, link to, each once."""
    found: dict[Path, None] = {}
    waiting = list(pages)
    while waiting:
        page = waiting.pop()
        for link, _ in _LINK.findall(page.read_text(encoding="utf-8")):
            path = target(link, page)
            if path and not path.is_relative_to(DOCS) and path not in found:
                found[path] = None
                waiting += [path] if path.suffix == ".md" else []
    return list(found)


def listing(path: Path) -> str:
    """A source file as a part of a page."""
    kind = {".py": "python"}.get(path.suffix, path.suffix[1:])
    return f"# {path.relative_to(ROOT).as_posix()}\n\n~~~~{kind}\n{path.read_text(encoding='utf-8')}~~~~\n"


def on_startup(command, dirty):
    """Called by mkdocs first: the packages as `doable.agent` and so on, where the docstrings' reader looks for them."""
    package = ROOT / "build" / "docs" / "doable"
    package.mkdir(parents=True, exist_ok=True)
    for name in ("agent", "skills", "sim", "memory"):
        if not (package / name).exists():
            (package / name).symlink_to(ROOT / name, target_is_directory=True)


def on_files(files, config):
    """Called by mkdocs: adds the pages that are made of files out of docs/."""
    from mkdocs.structure.files import File

    named = [ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
    linked = outside([*DOCS.glob("**/*.md"), *named])
    for path in dict.fromkeys([*named, *linked]):
        if path.suffix == ".md":
            text = rewritten(path.read_text(encoding="utf-8"), path)
        else:
            shown = [p for p in sorted(path.iterdir()) if p.is_file()] if path.is_dir() else [path]
            text = "\n".join(map(listing, shown))
        files.append(File.generated(config, address(path), content=text))
    return files


def on_page_markdown(markdown, page, config, files):
    """Called by mkdocs for every page: the same for the pages in docs/."""
    source = page.file.abs_src_path
    return rewritten(markdown, Path(source)) if source and Path(source).is_relative_to(DOCS) else markdown
