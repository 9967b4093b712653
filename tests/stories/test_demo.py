"""`sayso demo` as a stranger sees it: the terminal, the link, the inbox in a real browser, what the agent gets."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from pathlib import Path

from playwright.async_api import Browser, Page, expect

from tests.browser import in_one_loop

WITHIN = 60.0
ROOT = Path(__file__).parents[2]


class Terminal:
    """A running demo and what it has printed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.text = ""

    async def until(self, pattern: str) -> re.Match[str]:
        """Read on until this stands there."""
        async with asyncio.timeout(WITHIN):
            while (found := re.search(pattern, self.text)) is None:
                assert self.process.stdout is not None
                line = await self.process.stdout.readline()
                assert line, f"the demo ended before {pattern!r} came:\n{self.text}"
                self.text += line.decode()
        return found


async def open_request(page: Page, title: str) -> None:
    """From the queue to one request."""
    await page.get_by_role("link", name=title).first.click()
    await expect(page.get_by_role("heading", name=title)).to_be_visible()


async def answer_the_rest(page: Page, inbox: str, terminal: Terminal) -> None:
    """Pick an option, answer a question, and decide a batch with one exception, then the exception."""
    await page.goto(inbox)
    await open_request(page, "Goodwill for dana@example.com")
    await page.get_by_role("radio", name=re.compile("A voucher")).check()
    await page.get_by_role("button", name="Approve this option").click()
    await terminal.until(r"agent +gets 'Goodwill .*': approved by you, answering 'voucher'")
    await terminal.until(r'receiver +does goodwill.send .*"worth": 10')
    await page.goto(inbox)
    await open_request(page, "Question about double charges")
    await page.get_by_role("textbox", name="Your answer").fill("Yes, up to 100 USD")
    await page.get_by_role("button", name="Send the answer").click()
    await terminal.until(r"agent +gets 'Question .*': approved by you, answering 'Yes, up to 100 USD'")
    await page.goto(f"{inbox}/inbox/batches/stale%20tickets")
    await page.get_by_role("checkbox", name=re.compile("^Close ticket T-2207")).uncheck()
    await page.get_by_role("button", name="Approve").first.click()
    await terminal.until(r"agent +gets 'Close ticket T-2213': executed")
    await page.goto(inbox)
    await open_request(page, "Close ticket T-2207")
    await page.get_by_role("button", name="Approve", exact=True).click()


@in_one_loop
async def test_the_demo_from_link_to_outcome(tmp_path: Path, browser: Browser) -> None:
    """A person signs in by the printed link, edits, rejects and approves; the agent and the receiver act on it."""
    command = ("-m", "bot", "demo", "--exit", "--port", "0", "--directory", str(tmp_path / "demo"))
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL
    )
    terminal = Terminal(process)
    try:
        link = (await terminal.until(r"http://\S+/sign-in/\S+"))[0]
        assert "approved (tiny refunds)" in terminal.text
        assert "blocked (no bulk deletion)" in terminal.text
        page = await browser.new_page()
        await page.goto(link)
        await page.get_by_role("button", name=re.compile("Sign in")).click()
        await open_request(page, "Refund 240.0 USD on order 10428")
        await page.get_by_role("link", name="Edit").click()
        await page.get_by_role("textbox", name="amount").fill("100")
        await page.get_by_role("button", name="Approve with these edits").click()
        await terminal.until(r"agent +gets 'Refund 100 USD on order 10428': approved_with_edits by you")
        await terminal.until(r'receiver +does refund.issue .*"amount": 100')
        await page.goto(link.split("/sign-in/")[0])
        await open_request(page, "Mail dana@example.com: Your refund for order 10428")
        await page.get_by_role("link", name="Reject").click()
        await page.get_by_role("radio", name="Something else").check()
        await page.get_by_role("textbox", name="Reason").fill("The refund is smaller now")
        await page.get_by_role("button", name="Reject it").click()
        await terminal.until(r"agent +gets 'Mail .*': rejected by you, saying 'The refund is smaller now'")
        await page.goto(link.split("/sign-in/")[0])
        await open_request(page, "Deploy checkout 2.8.1 to production")
        await page.get_by_role("button", name="Approve", exact=True).click()
        await terminal.until(r"agent +runs 'Deploy checkout 2.8.1 to production' itself")
        await answer_the_rest(page, link.split("/sign-in/")[0], terminal)
        await terminal.until(r"Everything is decided and done")
        assert await asyncio.wait_for(process.wait(), 30) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_ctrl_c_ends_the_demo_and_a_second_one_leaves_it_alone(tmp_path: Path) -> None:
    """While one demo runs another refuses its folder, which it would empty; Ctrl-C ends the first without a trace."""
    command = ("-m", "bot", "demo", "--port", "0", "--directory", str(tmp_path / "demo"))
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        await Terminal(process).until(r"Ctrl-C ends the demo")
        second = await asyncio.create_subprocess_exec(
            sys.executable, *command, cwd=ROOT, stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        _, refused = await asyncio.wait_for(second.communicate(), WITHIN)
        assert (second.returncode, b"A demo is running in" in refused) == (2, True)
        assert (tmp_path / "demo" / "sayso.db").exists()
        process.send_signal(signal.SIGINT)
        _, said = await asyncio.wait_for(process.communicate(), WITHIN)
        assert (process.returncode, said) == (0, b"")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
