"""Manual pages and completions beside what the programs say: options, values and defaults cannot go stale.

usage: manual_test.py SOURCE BIN
"""
import pathlib
import re
import subprocess
import sys
import unittest

SOURCE = BIN = None
PAGES = {'agw-server': 'apps/server/agw-server.8', 'agw-controller': 'apps/controller/agw-controller.8', 'agw-h248': 'apps/h248-tool/agw-h248.1',
         'agw-load': 'apps/load/agw-load.1'}


def said(program, *words):
    done = subprocess.run([BIN / program, *words, '--help'], capture_output=True, text=True, check=True)
    return done.stdout


def options_of_help(text):
    """--option -> (value's name, default), the default without the brackets of a list."""
    found = {}
    for line in text.splitlines():
        row = re.match(r'\s*(?:-\w, *)?(--[\w-]+)(?: ([A-Z][A-Z:-]*))?(?: \.\.\.)?(?:  +(.*)|$)', line)
        if row:
            default = re.search(r'\(default ([^()]*)\)$', row[3] or '')
            found[row[1]] = (row[2] or '', default[1].strip('[]') if default else None)
    return found


def options_of_page(name):
    text = (SOURCE / PAGES[name]).read_text()
    found = {}
    for block in re.split(r'^\.TP\n', text, flags=re.M)[1:]:
        block = block.replace('\\-', '-')
        row = re.match(r'\\fB(--[\w-]+)\\fR(?: \\fI(.*?)\\fR)?\n([^\n]*(?:\n(?!\.SH)[^\n]*)*)', block)
        if row:
            default = re.search(r'; default (\S+)\s*$', row[3])
            found[row[1]] = (row[2] or '', default[1].strip('[]') if default else None)
    return found


class Manual(unittest.TestCase):
    maxDiff = None

    def test_options(self):
        for program in ['agw-server', 'agw-controller', 'agw-load']:
            with self.subTest(program):
                self.assertEqual(options_of_page(program), options_of_help(said(program)))

    def test_options_of_the_tool(self):
        words = re.findall(r'^  ([a-z]+) {2,}', said('agw-h248').partition('Subcommands:')[2], re.M)
        self.assertGreaterEqual(set(words), {'check', 'print', 'packages', 'reference'})
        page = (SOURCE / PAGES['agw-h248']).read_text()
        options = options_of_help(said('agw-h248'))
        for word in words:
            self.assertRegex(page, rf'(?m)^\.B {word}$')
            options |= options_of_help(said('agw-h248', word))
        self.assertEqual(options_of_page('agw-h248'), options)

    def test_pages_are_well_formed(self):
        for name, page in PAGES.items():
            with self.subTest(name):
                done = subprocess.run(['groff', '-man', '-Tutf8', '-ww', '-K', 'utf8', SOURCE / page], capture_output=True, text=True, check=True)
                self.assertEqual(done.stderr, '')
                self.assertIn('EXIT STATUS', re.sub(r'\x1b\[[\d;]*m|.\x08', '', done.stdout))

    def complete(self, line):
        """What bash offers at the end of the line."""
        words = line.split(' ')
        name = words[0]
        script = f'''
            . /usr/share/bash-completion/bash_completion; . {(SOURCE / PAGES[name]).with_suffix('.bash')}
            PATH={BIN}:$PATH; COMP_LINE=$1 COMP_POINT=${{#1}}; shift
            COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
            _{name.replace('-', '_')} {name} "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD-1]}}"
            printf '%s\\n' "${{COMPREPLY[@]}}"'''
        done = subprocess.run(['bash', '-c', script, 'bash', line, *words], capture_output=True, text=True, cwd='/')
        return set(done.stdout.split())

    def test_completion(self):
        for program in ['agw-server', 'agw-controller', 'agw-load']:
            self.assertEqual(self.complete(f'{program} --'), set(options_of_help(said(program))), program)
        self.assertEqual(self.complete('agw-server --log-level wa') - {'warning'}, {'warn'})
        self.assertEqual(self.complete('agw-server --ports '), set())
        self.assertIn('etc', self.complete('agw-server --config et'))
        self.assertEqual(self.complete('agw-h248 p'), {'packages', 'print'})
        self.assertEqual(self.complete('agw-h248 check --'), set(options_of_help(said('agw-h248', 'check'))))
        self.assertIn('--json', self.complete('agw-h248 print --'))
        self.assertNotIn('--strict', self.complete('agw-h248 print --'))


if __name__ == '__main__':
    SOURCE, BIN = (pathlib.Path(sys.argv.pop(1)).resolve() for _ in range(2))
    unittest.main()
